//go:build linux

package store_test

import (
	"context"
	"errors"
	"testing"

	"viewflip.app/service/store"
	"viewflip.app/wire/account"
)

const (
	method = "POST"
	path   = "/v1/me/get"
)

func code(t *testing.T, s *store.Store, a account.Authorization) account.ErrorCode {
	t.Helper()
	n, code, err := s.Authorize(t.Context(), a, method, path, nil)
	must(t, err)
	if code == "" && n.Seq != a.Seq {
		t.Fatal("the session is not returned")
	}
	return code
}

func TestSession(t *testing.T) {
	for _, engine := range engines() {
		t.Run(engine, func(t *testing.T) {
			o := newDatabase(t, engine)
			s, ctx := openStore(t, o), t.Context()
			ada := signUp(t, s, "ada@example.org", "Ada")
			c := ada.login()

			first := c.Authorize(method, path, nil)
			refused := errors.New("refused")
			if won := race(t, 16, func() error {
				_, code, err := s.Authorize(context.Background(), first, method, path, nil)
				if err == nil && code != "" {
					return refused
				}
				return err
			}, refused); won != 1 {
				t.Fatal("one seq was accepted", won, "times")
			}
			n, err := s.Session(ctx, c.ID())
			must(t, err)
			if n.Account != ada.id || n.Device != ada.pass.DeviceID() || !n.Fresh(now.Now()) {
				t.Fatalf("%+v", n)
			}
			list, err := s.Sessions(ctx, ada.id)
			must(t, err)
			if len(list) != 1 || list[0].Device != ada.pass.DeviceID() {
				t.Fatalf("%+v", list)
			}

			// The generation ends, then the session.
			now.move(t, account.GenerationLife)
			if got := code(t, s, c.Authorize(method, path, nil)); got != account.CodeRotate {
				t.Fatal("after a generation:", got)
			}
			rotate(t, s, c)
			if got := code(t, s, c.Authorize(method, path, nil)); got != "" {
				t.Fatal("after a rotation:", got)
			}
			now.move(t, account.SessionLife)
			if got := code(t, s, c.Authorize(method, path, nil)); got != account.CodeLogin {
				t.Fatal("after a day:", got)
			}
			must(t, s.EndSession(ctx, c.ID()))
			if got := code(t, s, c.Authorize(method, path, nil)); got != account.CodeRevoked {
				t.Fatal("after the end:", got)
			}
			must(t, s.Janitor(ctx))
			if got := code(t, s, c.Authorize(method, path, nil)); got != account.CodeAuthFailed {
				t.Fatal("after the janitor:", got)
			}
		})
	}
}

func rotate(t *testing.T, s *store.Store, c *account.Session) {
	t.Helper()
	p, rid, err := c.BeginRotation(nil)
	must(t, err)
	r, err := s.Rotate(t.Context(), p, rid)
	must(t, err)
	if r.What != account.RotationMade && r.What != account.RotationRepeated {
		t.Fatal("rotation:", r.What)
	}
	c.Rotated(r.Nonce)
}

// Sixteen copies of one rotation: one is made, the others get its answer. Of
// sixteen holders of one session, one rotates, and the session is ended.
func TestRotationRace(t *testing.T) {
	for _, engine := range engines() {
		t.Run(engine, func(t *testing.T) {
			o := newDatabase(t, engine)
			s := openStore(t, o)
			ada := signUp(t, s, "ada@example.org", "Ada")
			c := ada.login()
			for range 3 {
				p, rid, err := c.BeginRotation(nil)
				must(t, err)
				nonces := make(chan account.Hash, 16)
				repeated := errors.New("repeated")
				made := race(t, 16, func() error {
					r, err := s.Rotate(context.Background(), p, rid)
					nonces <- r.Nonce
					if err == nil && r.What == account.RotationRepeated {
						return repeated
					}
					if err == nil && r.What != account.RotationMade {
						return errors.New("neither made nor repeated")
					}
					return err
				}, repeated)
				if made != 1 {
					t.Fatal("rotated", made, "times")
				}
				nonce := <-nonces
				for range 15 {
					if <-nonces != nonce {
						t.Fatal("two answers")
					}
				}
				c.Rotated(nonce)
				if got := code(t, s, c.Authorize(method, path, nil)); got != "" {
					t.Fatal("after the race:", got)
				}
			}

			copied := errors.New("copied")
			p, rid, err := c.BeginRotation(nil)
			must(t, err)
			n, err := s.Session(t.Context(), c.ID())
			must(t, err)
			turn := make(chan struct{}, 1)
			turn <- struct{}{}
			made := race(t, 16, func() error {
				p, rid := p, rid
				select {
				case <-turn:
				default: // a copy of the chain, with a rid of its own
					rid = random[account.ID](t)
					p.MAC = n.Chain.RotateMAC(p.Session, p.Gen, rid)
				}
				r, err := s.Rotate(context.Background(), p, rid)
				if err == nil && r.What == account.RotationCopied {
					return copied
				}
				return err
			}, copied)
			if made != 1 {
				t.Fatal("rotated", made, "times")
			}
			_, err = s.Session(t.Context(), c.ID())
			want(t, err, store.ErrRevoked)
			b, err := s.Export(t.Context(), ada.id)
			must(t, err)
			if got := contains(b, "session_copied"); !got {
				t.Fatal("not in the audit")
			}
		})
	}
}

func BenchmarkStore(b *testing.B) {
	for _, e := range engines() {
		b.Run(e, func(b *testing.B) {
			s := openStore(b, newDatabase(b, e))
			ada := signUp(b, s, "ada@example.org", "Ada")
			b.Run("insert", func(b *testing.B) {
				for b.Loop() {
					must(b, s.PutAttempt(b.Context(), random[account.ID](b), make([]byte, 800)))
				}
			})
			b.Run("authorize", func(b *testing.B) {
				c := ada.login()
				for b.Loop() {
					_, code, err := s.Authorize(b.Context(), c.Authorize(method, path, nil), method, path, nil)
					if err != nil || code != "" {
						b.Fatal(code, err)
					}
				}
			})
			b.Run("authorize-16", func(b *testing.B) {
				b.SetParallelism(8) // times GOMAXPROCS
				b.RunParallel(func(pb *testing.PB) {
					c := ada.login()
					for pb.Next() {
						_, code, err := s.Authorize(context.Background(), c.Authorize(method, path, nil), method, path, nil)
						if err != nil || code != "" {
							b.Error(code, err)
						}
					}
				})
			})
			b.Run("rotate", func(b *testing.B) {
				c := ada.login()
				for b.Loop() {
					p, rid, err := c.BeginRotation(nil)
					must(b, err)
					r, err := s.Rotate(b.Context(), p, rid)
					must(b, err)
					c.Rotated(r.Nonce)
				}
			})
		})
	}
}
