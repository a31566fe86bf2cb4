package account

import (
	"bytes"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// bytesOf draws n bytes.
func bytesOf(t *rapid.T, n int) []byte {
	return rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "bytes")
}

// service is the server's side as the store runs it: the shipped decisions, and
// what is stored of them.
type service struct {
	row   SessionRow
	ended bool // revoked, or over
}

func (s *service) request(now time.Time, a Authorization, path string) ErrorCode {
	if s.ended {
		return CodeRevoked
	}
	code := s.row.Authorize(now, a, "POST", path, []byte("{}"))
	if code == "" {
		s.row.Seq = a.Seq
	}
	return code
}

func (s *service) rotate(now time.Time, p RotationProof, rid ID, fresh Hash) (Hash, Rotation) {
	if s.ended {
		return Hash{}, RotationRefused
	}
	row, what := s.row.Rotate(now, p, rid, fresh)
	s.row = row
	s.ended = what == RotationCopied || what == RotationEnded
	return row.PrevNonce, what
}

func begin(t *rapid.T) (*service, *Session, time.Time) {
	now := time.Unix(1e9, 0)
	chain := NewChain([32]byte(bytesOf(t, 32)), Hash(bytesOf(t, 32)))
	id := ID{1}
	return &service{row: NewSessionRow(id, chain, now)}, NewSession(id, chain), now
}

// Requests and answers get lost, come twice and late, in any order; the one
// client is never locked out and never taken for two.
func TestSessionNeverLocksOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		server, client, now := begin(t)
		end := now.Add(SessionLife)
		type sent struct {
			p   RotationProof
			rid ID
		}
		var late *sent // a duplicate on its way, of the newest rotation
		rotate := func(lost bool) {
			p, rid, err := client.BeginRotation(bytes.NewReader(bytesOf(t, 16)))
			if err != nil {
				t.Fatal(err)
			}
			late = &sent{p, rid}
			nonce, what := server.rotate(now, p, rid, Hash(bytesOf(t, 32)))
			if what != RotationMade && what != RotationRepeated {
				t.Fatalf("a rotation was answered by %d", what)
			}
			if !lost {
				client.Rotated(nonce)
			}
		}
		advance := func(d time.Duration) {
			if now.Add(d).Before(end) {
				now = now.Add(d)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"time passes": func(t *rapid.T) {
				advance(time.Duration(rapid.Int64Range(0, int64(15*time.Minute)).Draw(t, "passes")))
			},
			"the request of a rotation is lost": func(t *rapid.T) {
				if _, _, err := client.BeginRotation(bytes.NewReader(bytesOf(t, 16))); err != nil {
					t.Fatal(err)
				}
			},
			"the answer to a rotation is lost": func(*rapid.T) { rotate(true) },
			"a rotation":                       func(*rapid.T) { rotate(false) },
			"a duplicate arrives": func(t *rapid.T) {
				if late == nil {
					t.Skip()
				}
				_, what := server.rotate(now, late.p, late.rid, Hash(bytesOf(t, 32)))
				if what != RotationMade && what != RotationRepeated {
					t.Fatalf("a duplicate was answered by %d", what)
				}
			},
			"a request, rotated for if need be": func(t *rapid.T) {
				if client.rid != (ID{}) {
					rotate(false)
				}
				lost := rapid.Bool().Draw(t, "lost")
				a := client.Authorize("POST", "/v1/me/get", []byte("{}"))
				if lost {
					return
				}
				code := server.request(now, a, "/v1/me/get")
				if code == CodeRotate {
					rotate(false)
					a = client.Authorize("POST", "/v1/me/get", []byte("{}"))
					code = server.request(now, a, "/v1/me/get")
				}
				if code != "" {
					t.Fatalf("a request was answered by %q", code)
				}
				if code := server.request(now, a, "/v1/me/get"); code != CodeAuthFailed {
					t.Fatalf("its replay was answered by %q", code)
				}
			},
		})
	})
}

// Somebody copies the client's state at any time. Whoever of the two rotates
// second, however far behind, ends the session for both.
func TestSessionCopyIsCaught(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		server, client, now := begin(t)
		turn := func(s *Session, lost bool) Rotation {
			p, rid, err := s.BeginRotation(bytes.NewReader(bytesOf(t, 16)))
			if err != nil {
				t.Fatal(err)
			}
			nonce, what := server.rotate(now, p, rid, Hash(bytesOf(t, 32)))
			if !lost && (what == RotationMade || what == RotationRepeated) {
				s.Rotated(nonce)
			}
			return what
		}
		for range rapid.IntRange(0, 4).Draw(t, "rotations before") {
			turn(client, false)
		}
		copied := *client
		actors := []*Session{client, &copied}
		first := rapid.IntRange(0, 1).Draw(t, "first")
		for range rapid.IntRange(1, 4).Draw(t, "rotations of the first") {
			if what := turn(actors[first], rapid.Bool().Draw(t, "lost")); what != RotationMade && what != RotationRepeated {
				t.Fatalf("the first was answered by %d", what)
			}
		}
		second := actors[1-first]
		if code := server.request(now, second.Authorize("POST", "/", []byte("{}")), "/"); code != CodeAuthFailed {
			t.Fatalf("a request of the second was answered by %q", code)
		}
		if what := turn(second, false); what != RotationCopied {
			t.Fatalf("the second was answered by %d", what)
		}
		for _, a := range actors {
			if code := server.request(now, a.Authorize("POST", "/", []byte("{}")), "/"); code != CodeRevoked {
				t.Fatalf("after that: %q", code)
			}
		}
	})
}

func TestSessionLimits(t *testing.T) {
	now := time.Unix(1e9, 0)
	chain := NewChain([32]byte{1}, Hash{2})
	row := NewSessionRow(ID{1}, chain, now)
	body := []byte(`{"a":1}`)
	good := func() Authorization {
		return Authorization{Session: row.ID, Seq: 1, MAC: chain.RequestMAC(row.ID, 0, 1, "POST", "/v1/x", body)}
	}
	authorize := func(now time.Time, a Authorization) ErrorCode { return row.Authorize(now, a, "POST", "/v1/x", body) }
	if code := authorize(now, good()); code != "" {
		t.Fatal(code)
	}
	for name, spoil := range map[string]func(*Authorization){
		"session": func(a *Authorization) { a.Session[0]++ }, "gen": func(a *Authorization) { a.Gen++ },
		"seq": func(a *Authorization) { a.Seq++ }, "seq 0": func(a *Authorization) { a.Seq = 0 }, "mac": func(a *Authorization) { a.MAC[31]++ },
	} {
		a := good()
		spoil(&a)
		if code := authorize(now, a); code != CodeAuthFailed {
			t.Error(name, code)
		}
	}
	if row.Authorize(now, good(), "GET", "/v1/x", body) == "" || row.Authorize(now, good(), "POST", "/v1/y", body) == "" ||
		row.Authorize(now, good(), "POST", "/v1/x", body[1:]) == "" {
		t.Error("method, path or body are not covered")
	}
	for after, want := range map[time.Duration]ErrorCode{
		GenerationLife - 1: "", GenerationLife: CodeRotate, SessionLife - 1: CodeRotate, SessionLife: CodeLogin,
		-GenerationLife: "", -GenerationLife - 1: CodeLogin, // the clock was set back
	} {
		if code := authorize(now.Add(after), good()); code != want {
			t.Errorf("after %v: %q", after, code)
		}
	}
	if !row.Fresh(now.Add(FreshLogin-1)) || row.Fresh(now.Add(FreshLogin)) {
		t.Error("fresh is not a minute")
	}

	proof := RotationProof{Session: row.ID, MAC: chain.RotateMAC(row.ID, 0, ID{7})}
	for after, want := range map[time.Duration]Rotation{
		0: RotationMade, SessionLife - 1: RotationMade, SessionLife: RotationEnded, -GenerationLife: RotationMade, -GenerationLife - 1: RotationEnded,
	} {
		if next, what := row.Rotate(now.Add(after), proof, ID{7}, Hash{3}); what != want || (what == RotationMade) != (next.Gen == 1) {
			t.Errorf("after %v: %d", after, what)
		}
	}
	next, _ := row.Rotate(now, proof, ID{7}, Hash{3})
	if next.Authorize(now, good(), "POST", "/v1/x", body) != CodeAuthFailed {
		t.Error("an old generation is accepted")
	}
	if next.Expires != row.Expires {
		t.Error("a rotation prolongs the session")
	}
	for name, p := range map[string]RotationProof{
		"another rid":     {Session: row.ID, MAC: chain.RotateMAC(row.ID, 0, ID{8})},
		"another session": {Session: ID{9}, MAC: chain.RotateMAC(ID{9}, 0, ID{7})},
		"the future":      {Session: row.ID, Gen: 1, MAC: chain.RotateMAC(row.ID, 1, ID{7})},
		"another key":     {Session: row.ID, MAC: NewChain([32]byte{9}, Hash{2}).RotateMAC(row.ID, 0, ID{7})},
	} {
		if got, what := row.Rotate(now, p, ID{7}, Hash{3}); what != RotationRefused || got.Gen != 0 {
			t.Error(name, what)
		}
	}
}

// Both sides compute the same chain, and no generation gives the next away.
func TestChain(t *testing.T) {
	c := NewChain([32]byte{1}, Hash{2})
	back, err := ParseChain(c.Marshal())
	if err != nil || !bytes.Equal(back.Next(Hash{3}).Marshal(), c.Next(Hash{3}).Marshal()) {
		t.Error("not the same chain:", err)
	}
	seen := map[string]bool{}
	for _, x := range []Chain{c, c.Next(Hash{3}), c.Next(Hash{4}), NewChain([32]byte{1}, Hash{3}), NewChain([32]byte{2}, Hash{2})} {
		m := x.RequestMAC(ID{1}, 0, 1, "POST", "/", nil)
		if seen[string(m[:])] {
			t.Error("two chains give one MAC")
		}
		seen[string(m[:])] = true
	}
	if _, err := ParseChain(make([]byte, ChainSize-1)); err == nil {
		t.Error("a short chain")
	}
}
