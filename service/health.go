package service

import (
	"context"
	"net/http"
	"time"
)

// readyTime bounds the answer of /readyz.
const readyTime = 2 * time.Second

// Health adds /healthz, whether the process lives, and /readyz, whether it can do
// its work, to what mux serves.
func (s *Service) Health(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyTime)
		defer cancel()
		if why := s.unready(ctx); why != "" {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte(why + "\n"))
			return
		}
		_, _ = w.Write([]byte("ready\n"))
	})
}

func (s *Service) unready(ctx context.Context) string {
	s.mu.Lock()
	draining := s.draining
	s.mu.Unlock()
	switch {
	case draining:
		return "draining"
	case s.accounts != nil:
		return s.accounts.Unready(ctx)
	}
	return ""
}
