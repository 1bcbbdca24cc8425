// Package dashboard shows a running pipeline over HTTP: a page for people, metrics
// for Prometheus, and health for whoever restarts processes.
//
//	/         the views, live
//	/events   the same, as server-sent events, once a second
//	/metrics  Prometheus' text format
//	/healthz  200 while the process works
//	/readyz   200 once all views are live, 503 before
//
// It knows what package pipeline tells of itself and nothing else: no database, no
// secrets, no way to change anything. All its files are embedded, and the page
// loads nothing from elsewhere.
package dashboard

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/stepping-cdc/stepping-cdc/pipeline"
)

// Options say where the dashboard gets what it shows.
type Options struct {
	// Progress is how far the pipeline is; called often.
	Progress func() pipeline.Progress
	// Status is how views and slot are; called at most once a second, and only while
	// somebody looks.
	Status func(context.Context) (*pipeline.Status, error)
}

// Server is a listening dashboard.
type Server struct {
	listener net.Listener
	http     *http.Server
	end      context.CancelFunc
	done     chan struct{}
}

// Listen starts a dashboard.
func Listen(address string, options Options) (*Server, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("start dashboard: %w", err)
	}
	ctx, end := context.WithCancel(context.Background())
	s := &Server{listener: listener, end: end, done: make(chan struct{})}
	s.http = &http.Server{
		Handler:           Handler(options),
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		// Event streams end with it.
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	go func() {
		defer close(s.done)
		// Close ends it; there is nobody to tell of another end but the requests that
		// then fail.
		_ = s.http.Serve(listener)
	}()
	return s, nil
}

// Address is where it listens, as host:port.
func (s *Server) Address() string { return s.listener.Addr().String() }

// Close stops it.
func (s *Server) Close() error {
	s.end()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	<-s.done
	if err != nil {
		return fmt.Errorf("stop dashboard: %w", err)
	}
	return nil
}

// Handler is the dashboard without a listener.
func Handler(options Options) http.Handler {
	st := &statuses{ask: options.Status}
	p := &page{progress: options.Progress, statuses: st}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.show)
	mux.HandleFunc("GET /events", p.events)
	mux.Handle("GET /assets/", http.FileServerFS(assets))
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry(options.Progress, st), promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		state := options.Progress().State
		if state != "live" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		fmt.Fprintln(w, state)
	})
	return guarded(mux)
}

// guarded sets the headers that keep other sites away from the page.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// statuses asks for the status on behalf of all who look.
type statuses struct {
	ask func(context.Context) (*pipeline.Status, error)

	mu   sync.Mutex
	at   time.Time
	last *pipeline.Status
	err  error
}

const (
	statusAge     = time.Second
	statusTimeout = 5 * time.Second
)

// get is a status that is a second old at most.
func (s *statuses) get() (*pipeline.Status, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.at) < statusAge {
		return s.last, s.err
	}
	// Not the request's context: the answer is everybody's.
	ctx, cancel := context.WithTimeout(context.Background(), statusTimeout)
	defer cancel()
	s.last, s.err = s.ask(ctx)
	s.at = time.Now()
	return s.last, s.err
}
