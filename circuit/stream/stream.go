// Package stream states DBSP's operators on streams as the paper defines them,
// in the plainest Go: for reading beside it, and as the reference that the
// operators of package circuit are tested against. Nothing here is incremental
// or fast.
//
// It knows abelian groups and sequences, and must not know what is in them.
package stream

// Group is an abelian group: what the values of a stream must form so that
// there is a meaning to integrals and differences. Z-sets do, and integers.
type Group[T any] struct {
	Zero func() T
	Add  func(a, b T) T
	Neg  func(a T) T
}

// Stream is the beginning of a stream: its values at the steps 0, 1, 2 …
type Stream[T any] []T

// Lift applies a function at every step: ↑f in the paper.
func Lift[A, B any](f func(A) B) func(Stream[A]) Stream[B] {
	return func(s Stream[A]) Stream[B] {
		out := make(Stream[B], len(s))
		for t, v := range s {
			out[t] = f(v)
		}
		return out
	}
}

// Lift2 applies a function of two values at every step.
func Lift2[A, B, C any](f func(A, B) C) func(Stream[A], Stream[B]) Stream[C] {
	return func(a Stream[A], b Stream[B]) Stream[C] {
		out := make(Stream[C], len(a))
		for t := range a {
			out[t] = f(a[t], b[t])
		}
		return out
	}
}

// Delay puts a zero first and everything one step later: z⁻¹.
func (g Group[T]) Delay(s Stream[T]) Stream[T] {
	out := make(Stream[T], len(s))
	for t := range s {
		if t == 0 {
			out[t] = g.Zero()
		} else {
			out[t] = s[t-1]
		}
	}
	return out
}

// Differentiate gives the changes of a stream: D(s) = s - z⁻¹(s).
func (g Group[T]) Differentiate(s Stream[T]) Stream[T] {
	before := g.Delay(s)
	out := make(Stream[T], len(s))
	for t := range s {
		out[t] = g.Add(s[t], g.Neg(before[t]))
	}
	return out
}

// Integrate gives what changes add up to. It is the one solution of
// i = s + z⁻¹(i), computed here by feeding each value back into the next.
func (g Group[T]) Integrate(s Stream[T]) Stream[T] {
	out := make(Stream[T], len(s))
	sum := g.Zero()
	for t, v := range s {
		sum = g.Add(sum, v)
		out[t] = sum
	}
	return out
}

// Incremental is the incremental version of a query lifted to streams:
// Q^Δ = D ∘ ↑Q ∘ I.
func Incremental[A, B any](in Group[A], out Group[B], q func(A) B) func(Stream[A]) Stream[B] {
	return func(s Stream[A]) Stream[B] {
		return out.Differentiate(Lift(q)(in.Integrate(s)))
	}
}

// Incremental2 is Incremental for a query of two inputs.
func Incremental2[A, B, C any](ga Group[A], gb Group[B], out Group[C], q func(A, B) C) func(Stream[A], Stream[B]) Stream[C] {
	return func(a Stream[A], b Stream[B]) Stream[C] {
		return out.Differentiate(Lift2(q)(ga.Integrate(a), gb.Integrate(b)))
	}
}
