package client_test

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"viewflip.app/service"
	"viewflip.app/service/servicetest"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

// passing is a call on its way through a service that is not honest.
type passing struct {
	path   string
	body   []byte
	status int
	answer []byte
	// lost has the client see the connection end instead of the answer.
	lost bool
	// twice has the service get the call again, when it has been answered.
	twice bool
}

// mallory is a service that has the real key, knows everything that the real
// one does, and says what it likes. It passes on what it has no trick for.
type mallory struct {
	*running
	mu     sync.Mutex
	before func(*passing) bool // instead of the call: true if it answered
	after  func(*passing)      // of the answer
	seen   []passing
}

// trick replaces what it does; nil is nothing.
func (m *mallory) trick(before func(*passing) bool, after func(*passing)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.before, m.after = before, after
}

func (m *mallory) honest() { m.trick(nil, nil) }

// answers replaces the answers to one path.
func (m *mallory) answers(path string, with func(body, answer []byte) []byte) {
	m.trick(nil, func(x *passing) {
		if x.path == path && x.status == http.StatusOK {
			x.answer = with(x.body, x.answer)
		}
	})
}

// heard is the newest good answer to a path that is for somebody, because good
// says so.
func heard[A any](t *testing.T, m *mallory, path string, good func(A) bool) (a A) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := len(m.seen) - 1; i >= 0; i-- {
		if m.seen[i].path == path && m.seen[i].status == http.StatusOK {
			if a = answerOf[A](t, m.seen[i].answer); good(a) {
				return a
			}
		}
	}
	t.Fatal("nothing was answered to", path)
	return a
}

// devicesOf asks for the newest list of an account.
func devicesOf(t *testing.T, m *mallory, p *person) account.DeviceList {
	t.Helper()
	if err := p.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	return heard(t, m, account.PathDevices, func(d account.Devices) bool { return d.Devices.Account() == p.Public() }).Devices
}

// vaultOf asks for the newest vault of an account.
func vaultOf(t *testing.T, m *mallory, p *person) account.Vault {
	t.Helper()
	if err := p.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	return heard(t, m, account.PathVault, func(v account.Vault) bool {
		_, err := p.Kept().Key.OpenVault(v.Version, v.Blob)
		return err == nil
	})
}

func (m *mallory) forward(r *http.Request, inner *http.Client, to string, body []byte) (*http.Response, error) {
	q, err := http.NewRequestWithContext(r.Context(), r.Method, to+r.URL.Path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	q.Header = r.Header.Clone()
	return inner.Do(q)
}

func (m *mallory) call(w http.ResponseWriter, r *http.Request, inner *http.Client, to string) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	m.mu.Lock()
	before, after := m.before, m.after
	m.mu.Unlock()
	x := &passing{path: r.URL.Path, body: body, status: http.StatusOK}
	if before == nil || !before(x) {
		a, err := m.forward(r, inner, to, x.body)
		if err != nil {
			return
		}
		x.status = a.StatusCode
		x.answer, err = io.ReadAll(a.Body)
		_ = a.Body.Close()
		if err != nil {
			return
		}
	}
	m.mu.Lock()
	m.seen = append(m.seen, passing{path: x.path, body: x.body, status: x.status, answer: bytes.Clone(x.answer)})
	m.mu.Unlock()
	if after != nil {
		after(x)
	}
	if x.twice {
		if a, err := m.forward(r, inner, to, x.body); err == nil {
			_ = a.Body.Close()
		}
	}
	if x.lost {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(x.status)
	_, _ = w.Write(x.answer)
}

// hostile is a service with accounts that is not honest.
func hostile(t *testing.T) (*mallory, *servicetest.Outbox) {
	t.Helper()
	return hostileAt(t, nil)
}

func hostileAt(t *testing.T, now func() time.Time) (*mallory, *servicetest.Outbox) {
	t.Helper()
	real, out := startAccounts(t, service.Config{Clock: now, Limits: service.Limits{Logins: service.Rate{PerSecond: 1000, Burst: 1000}}})
	u, err := url.Parse("https://" + real.Addrs[0])
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13}} // both are this test
	m := &mallory{}
	ws := httputil.NewSingleHostReverseProxy(u)
	ws.Transport, ws.ErrorLog = transport, log.New(io.Discard, "", 0)
	inner := &http.Client{Transport: transport}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/v1/") {
			m.call(w, r, inner, u.String())
			return
		}
		ws.ServeHTTP(w, r)
	}))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.TLS = testTLS(real.cert)
	srv.StartTLS()
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close(); transport.CloseIdleConnections() })
	m.running = &running{wire.Service{Addrs: []string{srv.Listener.Addr().String()}, Pin: real.Pin}, real.cert, real.stop}
	return m, out
}

// edit changes a JSON answer; fields keep the form that the wire has.
func edit(t *testing.T, b []byte, with func(map[string]any)) []byte {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Error(err)
		return b
	}
	with(v)
	b, err := json.Marshal(v)
	if err != nil {
		t.Error(err)
	}
	return b
}
