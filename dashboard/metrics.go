package dashboard

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/stepping-cdc/stepping-cdc/pipeline"
)

// metrics is what Prometheus is told, read at each scrape.
type metrics struct {
	progress func() pipeline.Progress
	statuses *statuses
}

// registry is one of our own: nothing else in the process can slip in.
func registry(progress func() pipeline.Progress, st *statuses) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(&metrics{progress, st}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("stepping_cdc_"+name, help, labels, nil)
}

var (
	descLive         = desc("live", "1 once all views are live, 0 while starting, loading or reconnecting.")
	descTransactions = desc("transactions_total", "Source transactions applied.")
	descApplied      = desc("applied_lsn_bytes", "WAL position the outputs are at.")
	descAcked        = desc("acknowledged_lsn_bytes", "WAL position acknowledged to the slot.")
	descWALEnd       = desc("source_lsn_bytes", "WAL position the source has told.")
	descLag          = desc("lag_bytes", "WAL between the outputs and the source.")
	descClock        = desc("clock_timestamp_seconds", "What now() is in the views; absent if none depends on it.")
	descFreshness    = desc("freshness_seconds", "Commit of the last source transaction to commit of the outputs.")
	descStateBytes   = desc("state_bytes", "Size of the local state.")
	descStateMemory  = desc("state_memory_bytes", "Memory of the local state's caches and buffers.")
	descStatusUp     = desc("status_up", "1 if the status could be read from the databases; without it the metrics below are missing.")
	descViewRows     = desc("view_rows", "Rows of an output table.", "view")
	descViewState    = desc("view_state", "1 for the state that a view is in.", "view", "state")
	descViewErrors   = desc("view_error_rows", "Rows of the source that make a view fail.", "view")
	descSlotActive   = desc("slot_active", "1 while the replication slot is in use.")
	descSlotRetained = desc("slot_retained_bytes", "WAL that the server keeps for the slot.")
	descSlotSafe     = desc("slot_safe_bytes", "WAL that may still be written before the slot is lost; missing without such a limit.")
)

// Describe implements prometheus.Collector: the metrics vary with the views.
func (m *metrics) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	send := func(kind prometheus.ValueType, d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, kind, v, labels...)
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) { send(prometheus.GaugeValue, d, v, labels...) }
	p := m.progress()
	gauge(descLive, boolean(p.State == "live"))
	send(prometheus.CounterValue, descTransactions, float64(p.Transactions))
	gauge(descApplied, float64(p.Applied))
	if !p.Clock.IsZero() {
		gauge(descClock, float64(p.Clock.UnixMicro())/1e6)
	}
	gauge(descAcked, float64(p.Acked))
	gauge(descWALEnd, float64(p.WALEnd))
	gauge(descLag, float64(lag(p)))
	if d, ok := freshness(p); ok {
		gauge(descFreshness, d.Seconds())
	}
	gauge(descStateBytes, float64(p.StateBytes))
	gauge(descStateMemory, float64(p.StateCache))
	status, err := m.statuses.get()
	gauge(descStatusUp, boolean(err == nil))
	if err != nil {
		return
	}
	for _, v := range status.Views {
		gauge(descViewRows, float64(v.Rows), v.Name)
		gauge(descViewState, 1, v.Name, v.State)
		gauge(descViewErrors, float64(v.ErrorRows), v.Name)
	}
	if s := status.Slot; s != nil {
		gauge(descSlotActive, boolean(s.Active))
		gauge(descSlotRetained, float64(s.RetainedBytes))
		if s.SafeBytes != nil {
			gauge(descSlotSafe, float64(*s.SafeBytes))
		}
	}
}

// lag is the WAL that the outputs are behind. Where nothing was left to apply, the
// position moves on without the outputs.
func lag(p pipeline.Progress) uint64 {
	at := max(p.Applied, p.Position)
	if p.WALEnd <= at {
		return 0
	}
	return uint64(p.WALEnd - at)
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
