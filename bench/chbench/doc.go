// Package chbench makes data and transactions in the shape of the CH-benCHmark:
// the nine tables and five transactions of TPC-C (https://www.tpc.org/tpcc/,
// clauses 1 and 2), beside which there are the suppliers, nations and regions that
// its analytical queries ask for (R. Cole et al., "The mixed workload
// CH-benCHmark", DBTest 2011).
//
// It is far smaller than the specification's least size: two warehouses, a few
// customers and items. Names are such that each query finds something. A supplier
// has a stock's item if the product of item and warehouse, modulo Suppliers, is its
// number; a customer lives in the nation whose number is the code of the first
// letter of the state. Beyond TPC-C there are orders that are cancelled and master
// data that change, and the time is not the clock's: it moves by the transaction.
// All is a function of the seed.
//
// The package knows tables and transactions; it must not know what follows them.
package chbench
