package client_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"viewflip.app/service/client"
	"viewflip.app/service/srp"
	"viewflip.app/wire/account"
)

// cold is a device that logs in anew, for one call, without running.
func cold(t *testing.T, p *person) *client.Account {
	t.Helper()
	a, err := client.NewAccount(client.AccountConfig{Credentials: p.Kept(), Save: p.Keep})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func random32() (h account.Hash) {
	_, _ = rand.Read(h[:]) // never fails
	return h
}

// Who has not the verifier is not logged in to, and no call is made to them.
func TestHostileLogin(t *testing.T) {
	m, out := hostile(t)
	anna := signUp(t, m.running, out, "anna@example.org", "Anna")
	if err := anna.Stop(); err != nil {
		t.Fatal(err)
	}
	var finish []byte // of another login
	m.trick(nil, func(x *passing) {
		if x.path == account.PathLoginFinish {
			finish = x.answer
		}
	})
	if err := cold(t, anna).Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	guess := func(x *passing) { // of a service that makes a verifier up
		q := answerOf[account.LoginStart](t, x.body)
		salt := account.Salt{1}
		s, err := srp.NewServer(q.Device[:], salt, srp.Verifier(q.Device[:], []byte("guess"), salt), q.A, nil)
		if err != nil {
			t.Error(err)
			return
		}
		x.status = http.StatusOK
		x.answer, _ = json.Marshal(account.LoginChallenge{Attempt: account.ID{1}, Salt: salt, B: s.B()})
	}
	done := func(x *passing, m2 account.Hash) {
		x.status = http.StatusOK
		x.answer, _ = json.Marshal(account.LoginDone{M2: m2, Session: account.ID{1}, Expires: 1 << 40})
	}
	challenge := func(t *testing.T, b []byte, n account.Number) []byte {
		t.Helper()
		return edit(t, b, func(v map[string]any) { v["b"] = b64(n[:]) })
	}
	var beyond account.Number
	for i := range beyond {
		beyond[i] = 0xff
	}
	for what, change := range map[string]func(x *passing){
		"no verifier": func(x *passing) {
			switch x.path {
			case account.PathLoginStart:
				guess(x)
			case account.PathLoginFinish:
				done(x, random32())
			}
		},
		"a wrong proof": func(x *passing) {
			if x.path == account.PathLoginFinish {
				done(x, random32())
			}
		},
		"no proof": func(x *passing) {
			if x.path == account.PathLoginFinish {
				x.answer = edit(t, x.answer, func(v map[string]any) { delete(v, "m2") })
			}
		},
		"the proof of another login": func(x *passing) {
			if x.path == account.PathLoginFinish {
				x.status, x.answer = http.StatusOK, finish
			}
		},
		"another salt": func(x *passing) {
			switch x.path {
			case account.PathLoginStart:
				x.answer = edit(t, x.answer, func(v map[string]any) { s := account.Salt{9}; v["salt"] = b64(s[:]) })
			case account.PathLoginFinish:
				done(x, random32())
			}
		},
		"B is zero": func(x *passing) {
			if x.path == account.PathLoginStart {
				x.answer = challenge(t, x.answer, account.Number{})
			}
		},
		"B is beyond N": func(x *passing) {
			if x.path == account.PathLoginStart {
				x.answer = challenge(t, x.answer, beyond)
			}
		},
	} {
		asked := map[string]int{}
		m.trick(func(x *passing) bool { asked[x.path]++; return false }, change)
		err := cold(t, anna).Refresh(t.Context())
		if !errors.Is(err, client.ErrUnavailable) {
			t.Errorf("%s: %v", what, err)
		}
		for path := range asked {
			if garbled := what == "no proof" || what == "B is zero"; !garbled && asked[path] > 1 {
				t.Errorf("%s: %d tries", what, asked[path])
			}
			if !strings.HasPrefix(path, "/v1/login/") {
				t.Errorf("%s: it made a call: %s", what, path)
			}
		}
	}
	m.honest()
	if err := cold(t, anna).Refresh(t.Context()); err != nil {
		t.Error("afterwards:", err)
	}
}

// Whatever becomes of rotations, the honest client is in again as soon as the
// service is; and no two MACs are made for one seq.
func TestHostileRotation(t *testing.T) {
	m, out := hostile(t)
	anna := signUp(t, m.running, out, "anna@example.org", "Anna")
	if err := anna.Stop(); err != nil {
		t.Fatal(err)
	}
	a := cold(t, anna)
	if err := a.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	// due has the service ask once for a rotation, which then is changed.
	due := func(change func(n int, x *passing)) (rotations int) {
		due := true
		m.trick(func(x *passing) bool {
			if x.path != account.PathMe || !due {
				return false
			}
			due = false
			x.status, x.answer = http.StatusUnauthorized, []byte(`{"error":"rotate"}`)
			return true
		}, func(x *passing) {
			if x.path == account.PathRotate {
				rotations++
				change(rotations, x)
			}
		})
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		err := a.Refresh(ctx)
		for range 3 { // an answer that was lost is the caller's error; they try again
			if err == nil {
				break
			}
			if !errors.Is(err, client.ErrUnavailable) {
				t.Error(err)
			}
			due = true
			err = a.Refresh(ctx)
		}
		if err != nil {
			t.Error("locked out:", err)
		}
		return rotations
	}
	nonce := func(n account.Hash) []byte {
		b, _ := json.Marshal(account.Rotated{Nonce: n, Expires: 1 << 40})
		return b
	}
	var first []byte
	for what, change := range map[string]func(n int, x *passing){
		"as it should be":      func(_ int, x *passing) { first = x.answer },
		"an answer is lost":    func(n int, x *passing) { x.lost = n == 1 },
		"two answers are lost": func(n int, x *passing) { x.lost = n <= 2 },
		"another nonce":        func(n int, x *passing) { x.answer = nonce(random32()) },
		"one of before": func(_ int, x *passing) {
			if first != nil {
				x.answer = first
			}
		},
		"noise": func(n int, x *passing) {
			if n <= 2 {
				x.answer = []byte("noise"[:n])
			}
		},
		"refused": func(_ int, x *passing) {
			x.status, x.answer = http.StatusUnauthorized, []byte(`{"error":"auth_failed"}`)
		},
		"revoked": func(_ int, x *passing) { x.status, x.answer = http.StatusForbidden, []byte(`{"error":"revoked"}`) },
	} {
		if n := due(change); n == 0 {
			t.Errorf("%s: nothing was rotated", what)
		}
		m.honest()
		if err := a.Refresh(t.Context()); err != nil {
			t.Errorf("after %q: %v", what, err)
		}
	}

	// It asks for rotations without end.
	calls := 0
	m.trick(func(x *passing) bool {
		calls++
		if x.path == account.PathMe {
			x.status, x.answer = http.StatusUnauthorized, []byte(`{"error":"rotate"}`)
			return true
		}
		return false
	}, nil)
	if err := a.Refresh(t.Context()); !errors.Is(err, client.ErrUnavailable) || calls > 20 {
		t.Errorf("%d calls, %v", calls, err)
	}
}
