//go:build linux

package accounts_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"viewflip.app/service"
	"viewflip.app/service/servicetest"
	"viewflip.app/service/srp"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

// metric reads one value of /metrics.
func (s *running) metric(t *testing.T, name string) string {
	t.Helper()
	w := httptest.NewRecorder()
	s.svc.Admin().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	for line := range strings.Lines(w.Body.String()) {
		if v, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(v)
		}
	}
	t.Fatalf("no metric %s", name)
	return ""
}

// While all processors are busy with logins, and a crowd waits for one, who is
// connected sends as ever and makes calls.
func TestLoginFlood(t *testing.T) {
	s, out := startAccounts(t, service.Config{Limits: service.Limits{
		Logins: service.Rate{PerSecond: 1000, Burst: 1000}, Connects: service.Rate{PerSecond: 1000, Burst: 1000}, Answer: time.Minute,
	}})
	ann := signUp(t, s, out, "ann@example.org", "Ann")
	bob := signUp(t, s, out, "bob@example.org", "Bob")
	a, b := ann.bind(), bob.bind()
	const crowd = 50
	release := sync.OnceFunc(s.svc.HoldGate())
	defer release()
	var waiting sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	web := &http.Client{Transport: servicetest.Insecure()}
	defer web.CloseIdleConnections()
	id := newID(t)
	c, err := srp.NewClient(id[:], []byte("guess"), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := account.Encode(account.LoginStart{Device: id, A: c.A()})
	for range crowd {
		waiting.Go(func() {
			q, _ := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+s.Addr+account.PathLoginStart, bytes.NewReader(body))
			q.Header.Set("Content-Type", "application/json")
			if r, err := web.Do(q); err == nil {
				_ = r.Body.Close()
			}
		})
	}
	servicetest.Eventually(t, "the crowd waits", func() bool { return s.metric(t, "viewflip_logins_here") == fmt.Sprint(crowd) })
	for i := range 20 {
		sent(t, a, b, fmt.Sprint("through the crowd ", i))
		must[account.Me](ann, account.PathMe, account.Empty{})
	}
	if n := s.metric(t, "viewflip_logins_here"); n != fmt.Sprint(crowd) {
		t.Errorf("%s wait now: the test proves nothing", n)
	}
	// Who gave up waits no more.
	cancel()
	waiting.Wait()
	servicetest.Eventually(t, "nobody waits", func() bool { return s.metric(t, "viewflip_logins_here") == "0" })
	release()
	ann.login()
}

// shape is a JSON answer without its values, but with the length of texts.
func shape(t *testing.T, b []byte) string {
	t.Helper()
	var m map[string]string
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	for k, v := range m {
		m[k] = fmt.Sprint(len(v))
	}
	out, _ := json.Marshal(m)
	return string(out)
}

// An unknown device is answered like a known one: at the start by what looks
// the same, with the same salt each time, at the end by the same bytes.
func TestUnknownDevice(t *testing.T) {
	s, out := startAccounts(t, service.Config{})
	ann := signUp(t, s, out, "ann@example.org", "Ann")
	known, unknown := ann.pk.DeviceID(), newID(t)
	var starts, ends []string
	salts := map[account.ID]map[account.Salt]bool{known: {}, unknown: {}}
	for range 2 {
		for _, id := range []account.ID{known, unknown} {
			c, err := srp.NewClient(id[:], []byte("a guess"), nil)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := account.Encode(account.LoginStart{Device: id, A: c.A()})
			status, b := s.raw(t, ann.web, account.PathLoginStart, body, nil)
			starts = append(starts, fmt.Sprint(status, shape(t, b)))
			ch, err := account.Decode[account.LoginChallenge](bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			salts[id][ch.Salt] = true
			m1, err := c.Answer(ch.Salt, ch.B)
			if err != nil {
				t.Fatal(err)
			}
			body, _ = account.Encode(account.LoginFinish{Attempt: ch.Attempt, M1: m1})
			status, b = s.raw(t, ann.web, account.PathLoginFinish, body, nil)
			ends = append(ends, fmt.Sprint(status, string(b)))
			status, b = s.raw(t, ann.web, account.PathLoginFinish, body, nil) // an attempt is one
			ends = append(ends, fmt.Sprint(status, string(b)))
		}
	}
	for _, same := range [][]string{starts, ends} {
		for _, x := range same {
			if x != same[0] {
				t.Errorf("%s and %s", same[0], x)
			}
		}
	}
	for id, n := range salts {
		if len(n) != 1 {
			t.Errorf("%d salts of %v", len(n), id == known)
		}
	}
}

// After all that people do, neither the log at its most talkative nor a file of
// the data directory has anything of theirs.
func TestNothingLeaks(t *testing.T) {
	s, out := startAccounts(t, service.Config{})
	ann := signUp(t, s, out, "planted.ann@planted.example", "Planted Ann")
	bob := signUp(t, s, out, "planted.bob@planted.example", "Planted Bob")
	meet(ann, bob)
	must[account.Empty](ann, account.PathDeviceLabel, account.DeviceLabel{ID: ann.pk.DeviceID(), Label: "planted label"})
	must[account.Empty](ann, account.PathMeUpdate, account.MeUpdate{Name: "Planted Again"})
	must[account.Empty](bob, account.PathMeFindable, account.MeFindable{On: true})
	must[account.Empty](ann, account.PathContactAsk, account.ContactAsk{Email: "planted.carl@planted.example"})
	must[account.Empty](ann, account.PathVaultPut, account.Vault{Version: 1, Blob: account.VaultBlob("planted vault")})
	must[account.Export](ann, account.PathMeExport, account.Empty{})
	a, b := ann.bind(), bob.bind()
	b.Send(20, wire.SetPresence{State: wire.Busy})
	sent(t, a, b, "v=0\r\no=- planted-sdp 1 IN IP4 192.0.2.77\r\n")
	link := must[account.LinkOpened](ann, account.PathLinkOpen, account.Empty{})
	must[account.Empty](ann, account.PathLinkPut, account.LinkPut{Slot: link.Slot, Ticket: link.Ticket, Seq: 1, Blob: account.LinkBlob("planted link")})
	copied := *bob.ses // what is logged as a warning
	if err := bob.rotate(true); err != nil {
		t.Fatal(err)
	}
	bob.ses = &copied
	_ = bob.rotate(true)
	out.Fail(true)
	ann.refused(account.PathSignupStart, account.SignupStart{Email: "planted.dora@planted.example", Name: "Planted"}, account.CodeUnavailable)
	s.raw(t, ann.web, account.PathLoginStart, []byte(`{"planted":1}`), nil)
	s.Stop()

	seed, pass := ann.key.Seed(), ann.pk.Password()
	device, keys := ann.pk.DeviceID(), ann.key.Public()
	session := ann.ses.ID()
	secrets := []string{
		"planted", "Planted", "192.0.2.77", string(seed[:]), string(pass), string(device[:]), device.String(), string(keys[:]),
		string(session[:]), session.String(), out.Last("planted.bob@planted.example").Code, string(link.Ticket[:]),
	}
	texts := map[string][]byte{"the log": []byte(s.log.String())}
	if len(texts["the log"]) == 0 || !strings.Contains(s.log.String(), "a call failed") {
		t.Error("nothing was logged: the test proves nothing")
	}
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			texts[d.Name()], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil || len(texts) < 2 {
		t.Fatal(len(texts), err)
	}
	for where, text := range texts {
		for i, secret := range secrets {
			if bytes.Contains(text, []byte(secret)) {
				t.Errorf("%s has secret %d", where, i)
			}
		}
	}
}

// Ready is who can do their work: with a database, a bus, and no drain.
func TestReady(t *testing.T) {
	s, _ := startAccounts(t, service.Config{})
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		s.svc.Admin().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		return w.Code, strings.TrimSpace(w.Body.String())
	}
	if code, text := get("/readyz"); code != 200 || text != "ready" {
		t.Error(code, text)
	}
	web := &http.Client{Transport: servicetest.Insecure()}
	defer web.CloseIdleConnections()
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/metrics": 404} { // of everybody's port
		q, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+s.Addr+path, nil)
		r, err := web.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Body.Close()
		if r.StatusCode != want {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
	s.Stop()
	if code, text := get("/readyz"); code != 503 || text != "draining" {
		t.Error(code, text)
	}
	if code, _ := get("/healthz"); code != 200 {
		t.Error("healthz", code)
	}
}
