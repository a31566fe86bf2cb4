package accounts

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics count for the operator. No label names a person, device or address.
type metrics struct {
	registry *prometheus.Registry
	calls    *prometheus.CounterVec
	mails    *prometheus.CounterVec
	copies   prometheus.Counter
	logins   prometheus.Gauge
}

func newMetrics(s *Service) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		calls:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "viewflip_calls_total", Help: "Calls by path and outcome."}, []string{"path", "code"}),
		mails:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "viewflip_mails_total", Help: "Mails by outcome."}, []string{"outcome"}),
		copies:   prometheus.NewCounter(prometheus.CounterOpts{Name: "viewflip_copied_sessions_total", Help: "Sessions that two sides used; they were ended."}),
		logins:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "viewflip_logins_here", Help: "Logins that compute, or wait for a processor."}),
	}
	gauge := func(name, help string, f func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, f)
	}
	m.registry.MustRegister(m.calls, m.mails, m.copies, m.logins, collectors.NewGoCollector(),
		gauge("viewflip_connections", "Open WebSocket connections.", func() float64 { return float64(s.mailbox.Connections()) }),
		gauge("viewflip_accounts_here", "Accounts with a connection to this node.", func() float64 {
			s.presence.mu.Lock()
			defer s.presence.mu.Unlock()
			return float64(len(s.presence.of))
		}),
		gauge("viewflip_bus_dropped", "How often a subscriber of the bus was too slow.", func() float64 { return float64(s.bus.Dropped()) }))
	return m
}

func (m *metrics) mail(err error) {
	outcome := "sent"
	if err != nil {
		outcome = "failed"
	}
	m.mails.WithLabelValues(outcome).Inc()
}

// Admin serves /metrics, /healthz and /readyz. It is for loopback: it has no
// protection of its own.
func (s *Service) Admin() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
	s.mailbox.Health(mux)
	return mux
}
