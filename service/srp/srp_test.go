package srp

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"math/big"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// oracle computes SRP-6a anew, with math/big and by the textbook: the sum
// a + u*x is built, and the paddings are written out.
type oracle struct {
	n, g *big.Int
	size int
}

func (o oracle) pad(v *big.Int) []byte { return v.FillBytes(make([]byte, o.size)) }

func (o oracle) hash(parts ...[]byte) []byte {
	h := sha256.Sum256(bytes.Join(parts, nil))
	return h[:]
}

type transcript struct{ v, a, b, s, k, m1, m2 []byte }

func (o oracle) session(id, password, salt, a, b []byte) transcript {
	num := func(b []byte) *big.Int { return new(big.Int).SetBytes(b) }
	exp := func(b, e *big.Int) *big.Int { return new(big.Int).Exp(b, e, o.n) }
	k := num(o.hash(o.pad(o.n), o.pad(o.g)))
	x := num(o.hash(salt, o.hash(id, []byte{':'}, password)))
	v, pubA := exp(o.g, x), exp(o.g, num(a))
	pubB := new(big.Int).Mul(k, v)
	pubB.Add(pubB, exp(o.g, num(b))).Mod(pubB, o.n)
	u := num(o.hash(o.pad(pubA), o.pad(pubB)))
	base := new(big.Int).Mul(k, v)
	base.Sub(pubB, base).Mod(base, o.n)
	s := exp(base, new(big.Int).Add(num(a), new(big.Int).Mul(u, x)))
	key := o.hash(o.pad(s))
	mix := o.hash(o.pad(o.n))
	for i, c := range o.hash(o.g.Bytes()) {
		mix[i] ^= c
	}
	m1 := o.hash(mix, o.hash(id), salt, o.pad(pubA), o.pad(pubB), key)
	return transcript{o.pad(v), o.pad(pubA), o.pad(pubB), o.pad(s), key, m1, o.hash(o.pad(pubA), m1, key)}
}

func seeded() *rand.ChaCha8 {
	return rand.NewChaCha8([32]byte([]byte("viewflip srp tests, always equal")))
}

func read(r io.Reader, n int) []byte {
	b := make([]byte, n)
	_, _ = io.ReadFull(r, b)
	return b
}

// Random sessions in the small group, where they are cheap: every value equals
// the oracle's, those with leading zeros too. SRP_SESSIONS makes it more.
func TestSessions(t *testing.T) {
	n := 1000
	if v, err := strconv.Atoi(os.Getenv("SRP_SESSIONS")); err == nil {
		n = v
	}
	modulus := modulus1024(t)
	s, err := newSuite(modulus, 2, sha256.New)
	if err != nil {
		t.Fatal(err)
	}
	o := oracle{new(big.Int).SetBytes(modulus), big.NewInt(2), len(modulus)}
	random := seeded()
	zeros := map[string]int{}
	for i := range n {
		id, password, salt, a, b := read(random, i%40), read(random, i%33), read(random, 16), read(random, 32), read(random, 32)
		want := o.session(id, password, salt, a, b)
		x := s.x(salt, id, password)
		v, err := s.parse(s.power(x))
		if err != nil {
			t.Fatal(err)
		}
		got := transcript{v: s.power(x), a: s.power(a), b: s.public(v, b)}
		if got.s, err = s.clientSecret(a, got.a, x, got.b); err != nil {
			t.Fatal(err)
		}
		server, err := s.serverSecret(b, got.b, v, got.a)
		if err != nil {
			t.Fatal(err)
		}
		got.k, got.m1, got.m2 = s.proofs(id, salt, got.a, got.b, server)
		if fmt.Sprintf("%x", got) != fmt.Sprintf("%x", want) {
			t.Fatalf("session %d: %x, the oracle has %x", i, got, want)
		}
		for name, b := range map[string][]byte{"v": got.v, "A": got.a, "B": got.b, "S": got.s} {
			if b[0] == 0 {
				zeros[name]++
			}
		}
	}
	if n >= 1000 && len(zeros) != 4 {
		t.Errorf("leading zeros were only seen in %v", zeros)
	}
}

// login runs both sides; the server's state is sealed in between.
func login(t *testing.T, c *Client, id []byte, salt [SaltSize]byte, v [Size]byte, random io.Reader) (client, server Key, err error) {
	t.Helper()
	first, err := NewServer(id, salt, v, c.A(), random)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ParseServer(first.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	m1, err := c.Answer(s.Salt(), s.B())
	if err != nil {
		t.Fatal(err)
	}
	m2, server, err := s.Check(m1)
	if err != nil {
		if m2 != [ProofSize]byte{} || server.Reveal() != [ProofSize]byte{} {
			t.Error("something is said to who has not proved himself")
		}
		return Key{}, Key{}, err
	}
	client, err = c.Check(m2)
	return client, server, err
}

// The exported functions are the 3072-bit group with SHA-256.
func TestLogin(t *testing.T) {
	random := seeded()
	o := oracle{new(big.Int).SetBytes(modulus3072()), big.NewInt(5), Size}
	for range 6 {
		id, password, salt := read(random, 16), read(random, 43), [SaltSize]byte(read(random, SaltSize))
		a, b := read(random, exponentSize), read(random, exponentSize)
		v := Verifier(id, password, salt)
		c, err := NewClient(id, password, bytes.NewReader(a))
		if err != nil {
			t.Fatal(err)
		}
		client, server, err := login(t, c, id, salt, v, bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		want := o.session(id, password, salt[:], a, b)
		if !bytes.Equal(v[:], want.v) || client.Reveal() != [32]byte(want.k) || client.Reveal() != server.Reveal() {
			t.Errorf("the oracle has %x %x", want.v, want.k)
		}
	}
}

func TestWrongPassword(t *testing.T) {
	id, salt := []byte("device"), [SaltSize]byte{1}
	v := Verifier(id, []byte("right"), salt)
	for name, c := range map[string]struct{ id, password string }{
		"password": {"device", "wrong"}, "id": {"another", "right"}, "empty": {"device", ""},
	} {
		client, err := NewClient([]byte(c.id), []byte(c.password), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := login(t, client, id, salt, v, nil); !errors.Is(err, ErrProof) {
			t.Error(name, err)
		}
	}
}

// A server without the verifier cannot prove itself.
func TestWrongServer(t *testing.T) {
	id, salt := []byte("device"), [SaltSize]byte{1}
	c, err := NewClient(id, []byte("right"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Check([ProofSize]byte{}); !errors.Is(err, ErrProof) {
		t.Error("before an answer:", err)
	}
	s, err := NewServer(id, salt, Verifier(id, []byte("guess"), salt), c.A(), nil)
	if err != nil {
		t.Fatal(err)
	}
	m1, err := c.Answer(salt, s.B())
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Check(m1); !errors.Is(err, ErrProof) {
		t.Error(err)
	}
	for _, m2 := range [][ProofSize]byte{{}, m1} {
		if k, err := c.Check(m2); !errors.Is(err, ErrProof) || k.Reveal() != [ProofSize]byte{} {
			t.Error(err)
		}
	}
}

// illegal are the values that break SRP where they are let in: with A = 0 or N
// the key is known to everybody, with 1 and N-1 it is one of two.
func illegal() map[string][]byte {
	n := new(big.Int).SetBytes(modulus3072())
	wide := func(v *big.Int) []byte { return v.FillBytes(make([]byte, Size)) }
	add := func(d int64) *big.Int { return new(big.Int).Add(n, big.NewInt(d)) }
	twice := new(big.Int).Lsh(n, 1)
	return map[string][]byte{
		"0": make([]byte, Size), "1": wide(big.NewInt(1)), "N-1": wide(add(-1)), "N": wide(n), "N+1": wide(add(1)),
		"N+2": wide(add(2)), "largest": bytes.Repeat([]byte{0xff}, Size),
		"2N": twice.Bytes(), "2N of this width": twice.Bytes()[1:], "nil": nil,
		"short": wide(big.NewInt(5))[1:], "long": append(wide(big.NewInt(5)), 0), "padded": append([]byte{0}, wide(big.NewInt(5))...),
	}
}

func TestIllegalValues(t *testing.T) {
	id, password, salt := []byte("device"), []byte("password"), [SaltSize]byte{1}
	v := Verifier(id, password, salt)
	c, err := NewClient(id, password, nil)
	if err != nil {
		t.Fatal(err)
	}
	good, err := NewServer(id, salt, v, c.A(), nil)
	if err != nil {
		t.Fatal(err)
	}
	std := standard()
	for name, bad := range illegal() {
		if name == "2N of this width" {
			continue // an ordinary number: 2N mod 2^3072
		}
		if _, err := std.parse(bad); !errors.Is(err, ErrPublic) {
			t.Errorf("%s is parsed: %v", name, err)
		}
		if len(bad) != Size {
			continue // the type holds no such value
		}
		b := [Size]byte(bad)
		if _, err := NewServer(id, salt, v, b, nil); !errors.Is(err, ErrPublic) {
			t.Errorf("A = %s: %v", name, err)
		}
		if _, err := NewServer(id, salt, b, c.A(), nil); !errors.Is(err, ErrPublic) {
			t.Errorf("verifier = %s: %v", name, err)
		}
		if _, err := c.Answer(salt, b); !errors.Is(err, ErrPublic) {
			t.Errorf("B = %s: %v", name, err)
		}
		state := good.Marshal()
		for _, at := range []int{1 + SaltSize, 1 + SaltSize + Size + exponentSize, 1 + SaltSize + Size + exponentSize + Size} {
			forged := bytes.Clone(state)
			copy(forged[at:], bad)
			if _, err := ParseServer(forged); !errors.Is(err, ErrState) {
				t.Errorf("%s at %d of a state: %v", name, at, err)
			}
		}
	}
}

// zeroHash is a hash whose every sum is zero: so is u.
type zeroHash struct{ hash.Hash }

func (zeroHash) Sum(b []byte) []byte { return append(b, make([]byte, sha256.Size)...) }

func TestZeroScramble(t *testing.T) {
	s, err := newSuite(modulus1024(t), 2, func() hash.Hash { return zeroHash{sha256.New()} })
	if err != nil {
		t.Fatal(err)
	}
	e := bytes.Repeat([]byte{7}, 32)
	public := s.power(e)
	v, err := s.parse(public)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.clientSecret(e, public, e, public); !errors.Is(err, ErrPublic) {
		t.Error("client:", err)
	}
	if _, err := s.serverSecret(e, public, v, public); !errors.Is(err, ErrPublic) {
		t.Error("server:", err)
	}
}

// An unknown id is answered by the code of a known one, with what stays equal.
func TestFakeVerifier(t *testing.T) {
	salt, v := FakeVerifier([32]byte{1}, []byte("nobody"))
	if s2, v2 := FakeVerifier([32]byte{1}, []byte("nobody")); s2 != salt || v2 != v {
		t.Error("asking twice tells")
	}
	if s2, v2 := FakeVerifier([32]byte{1}, []byte("nobody2")); s2 == salt || v2 == v {
		t.Error("all unknown ids look alike")
	}
	if s2, v2 := FakeVerifier([32]byte{2}, []byte("nobody")); s2 == salt || v2 == v {
		t.Error("anybody can compute it")
	}
	std := standard()
	for i := range 2000 {
		if _, v := FakeVerifier([32]byte{1}, []byte(strconv.Itoa(i))); !legal(std, v) {
			t.Fatal("not a verifier:", i)
		}
	}
	c, err := NewClient([]byte("nobody"), []byte("any"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := login(t, c, []byte("nobody"), salt, v, nil); !errors.Is(err, ErrProof) {
		t.Error(err)
	}
}

func legal(s *suite, v [Size]byte) bool {
	_, err := s.parse(v[:])
	return err == nil
}

func TestState(t *testing.T) {
	c, err := NewClient([]byte("d"), []byte("p"), nil)
	if err != nil {
		t.Fatal(err)
	}
	id := bytes.Repeat([]byte{9}, MaxID)
	s, err := NewServer(id, [SaltSize]byte{1}, c.A(), c.A(), nil)
	if err != nil {
		t.Fatal(err)
	}
	b := s.Marshal()
	back, err := ParseServer(b)
	if err != nil || !bytes.Equal(back.Marshal(), b) || back.A() != s.A() || back.B() != s.B() {
		t.Error("not the same state:", err)
	}
	for i := range b {
		if _, err := ParseServer(b[:i]); !errors.Is(err, ErrState) {
			t.Fatal(i, err)
		}
	}
	if _, err := ParseServer(append(bytes.Clone(b), 0)); !errors.Is(err, ErrState) {
		t.Error(err)
	}
	if _, err := NewServer(append(id, 9), [SaltSize]byte{1}, c.A(), c.A(), nil); !errors.Is(err, ErrState) {
		t.Error("an id that cannot be kept:", err)
	}
}

func FuzzParseServer(f *testing.F) {
	c, err := NewClient([]byte("d"), []byte("p"), seeded())
	if err != nil {
		f.Fatal(err)
	}
	s, err := NewServer([]byte("id"), [SaltSize]byte{1}, c.A(), c.A(), seeded())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(s.Marshal())
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := ParseServer(b); err == nil && !bytes.Equal(s.Marshal(), b) {
			t.Error("not canonical")
		}
	})
}

func TestNoRandom(t *testing.T) {
	if _, err := NewClient(nil, nil, strings.NewReader("short")); err == nil {
		t.Error("a client without random")
	}
	v := Verifier(nil, nil, [SaltSize]byte{})
	if _, err := NewServer(nil, [SaltSize]byte{}, v, v, strings.NewReader("short")); err == nil {
		t.Error("a server without random")
	}
}

// Nothing secret is printed, not even as a private field of something else.
func TestUnprintable(t *testing.T) {
	key := newKey(bytes.Repeat([]byte{0xa5}, ProofSize))
	c, err := NewClient([]byte("id"), []byte("hunter2"), bytes.NewReader(bytes.Repeat([]byte{0xa5}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewServer([]byte("id"), [SaltSize]byte{}, c.A(), c.A(), bytes.NewReader(bytes.Repeat([]byte{0xa5}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "k", key, "c", c, "s", s)
	asJSON, err := json.Marshal(key)
	if err != nil {
		t.Fatal(err)
	}
	out := log.String() + string(asJSON)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		out += fmt.Sprintf(verb, key) + fmt.Sprintf(verb, c) + fmt.Sprintf(verb, s)
		out += fmt.Sprintf(verb, struct{ k Key }{key})
	}
	out += fmt.Sprintf("%v %+[1]v %#[1]v", struct {
		c *Client
		s *Server
	}{c, s})
	for _, leak := range []string{"a5a5", "A5A5", "165 165", "0xa5", "hunter2", "68756e", "pYVl", "paWl"} {
		if strings.Contains(out, leak) {
			t.Errorf("%q is in %s", leak, out)
		}
	}
}

func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGate(2)
		var now, most atomic.Int32
		release := make(chan struct{})
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				_ = g.Do(t.Context(), func() error {
					most.Store(max(most.Load(), now.Add(1)))
					<-release
					now.Add(-1)
					return nil
				})
			})
		}
		synctest.Wait()
		if n := now.Load(); n != 2 {
			t.Error(n, "compute at once")
		}
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan error)
		go func() { gone <- g.Do(ctx, func() error { t.Error("called without room"); return nil }) }()
		synctest.Wait()
		cancel()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		close(release)
		wg.Wait()
		if n := most.Load(); n != 2 {
			t.Error("at most", n)
		}
		failure := errors.New("its own")
		if err := g.Do(t.Context(), func() error { return failure }); !errors.Is(err, failure) {
			t.Error(err)
		}
		if err := g.Do(ctx, func() error { t.Error("called after the end"); return nil }); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// One login of a device, as the service's processor sees it: ns/op is per core.
func BenchmarkServer(b *testing.B) {
	id, password, salt := []byte("device"), []byte("password"), [SaltSize]byte{1}
	v := Verifier(id, password, salt)
	c, err := NewClient(id, password, nil)
	if err != nil {
		b.Fatal(err)
	}
	a := c.A()
	for b.Loop() {
		s, err := NewServer(id, salt, v, a, nil)
		if err != nil {
			b.Fatal(err)
		}
		if s, err = ParseServer(s.Marshal()); err != nil {
			b.Fatal(err)
		}
		if _, _, err = s.Check([ProofSize]byte{}); !errors.Is(err, ErrProof) {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "logins/s")
}

// The same login at the device.
func BenchmarkClient(b *testing.B) {
	id, password, salt := []byte("device"), []byte("password"), [SaltSize]byte{1}
	v := Verifier(id, password, salt)
	for b.Loop() {
		c, err := NewClient(id, password, nil)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := c.Answer(salt, v); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifier(b *testing.B) {
	for b.Loop() {
		Verifier([]byte("device"), []byte("password"), [SaltSize]byte{1})
	}
}

// What every call pays for keeping no state between calls.
func BenchmarkSuite(b *testing.B) {
	for b.Loop() {
		standard()
	}
}
