package service_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"viewflip.app/service"
	"viewflip.app/service/servicetest"
	"viewflip.app/wire"
)

func failed(c wire.ErrorCode) wire.FrameBody { return wire.Error{Code: c} }

func until(c *servicetest.Clock, d time.Duration) int64 { return c.Now().Add(d).Unix() }

func TestSendAndInvite(t *testing.T) {
	c := servicetest.NewClock()
	s := start(t, service.Config{Clock: c.Now})
	alice, bob := s.Login(t, servicetest.NewIdentity(t)), s.Login(t, servicetest.NewIdentity(t))
	invite := wire.InviteID{1}
	bob.Want(wire.Lookup{Invite: invite}, failed(wire.CodeUnknownInvite))
	alice.Want(wire.OpenInvite{Invite: invite, Expires: until(c, time.Hour)}, wire.OK{})
	bob.Want(wire.Lookup{Invite: invite}, wire.Found{Device: alice.ID.Public()})
	to, from := alice.ID.Public().Address(), bob.ID.Public().Address()
	sealed := bytes.Repeat([]byte{7}, wire.MaxSealed)
	if got := bob.Ask(wire.Send{To: to, Sealed: sealed}); got != (wire.OK{}) {
		t.Fatalf("%#v", got)
	}
	id, d := alice.Delivered()
	if d.From != from || !bytes.Equal(d.Sealed, sealed) {
		t.Error("it arrived altered")
	}
	alice.Send(id, wire.OK{})
	bob.Want(wire.CloseInvite{Invite: invite}, wire.OK{}) // not theirs: nothing happens
	bob.Want(wire.Lookup{Invite: invite}, wire.Found{Device: alice.ID.Public()})
	alice.Want(wire.CloseInvite{Invite: invite}, wire.OK{})
	bob.Want(wire.Lookup{Invite: invite}, failed(wire.CodeUnknownInvite))
	bob.Want(wire.OpenInvite{Invite: invite, Expires: until(c, time.Hour)}, wire.OK{})
	alice.Want(wire.OpenInvite{Invite: invite, Expires: until(c, time.Hour)}, failed(wire.CodeUnavailable))
}

func TestInvitesEnd(t *testing.T) {
	c := servicetest.NewClock()
	s := start(t, service.Config{Clock: c.Now, Limits: service.Limits{Invites: 3}})
	owner, other := s.Login(t, servicetest.NewIdentity(t)), s.Login(t, servicetest.NewIdentity(t))
	found := wire.Found{Device: owner.ID.Public()}
	unknown := failed(wire.CodeUnknownInvite)

	owner.Want(wire.OpenInvite{Invite: wire.InviteID{1}, Expires: until(c, -time.Second)}, unknown)
	other.Want(wire.Lookup{Invite: wire.InviteID{1}}, unknown)

	for i := range byte(3) {
		owner.Want(wire.OpenInvite{Invite: wire.InviteID{i}, Expires: until(c, time.Minute)}, wire.OK{})
	}
	owner.Want(wire.OpenInvite{Invite: wire.InviteID{9}, Expires: until(c, time.Minute)}, failed(wire.CodeRateLimited))
	owner.Want(wire.OpenInvite{Invite: wire.InviteID{2}, Expires: until(c, 2*time.Minute)}, wire.OK{}) // the same again
	c.Pass(59 * time.Second)
	other.Want(wire.Lookup{Invite: wire.InviteID{1}}, found)
	c.Pass(time.Second)
	other.Want(wire.Lookup{Invite: wire.InviteID{1}}, unknown)
	other.Want(wire.Lookup{Invite: wire.InviteID{2}}, found)
	owner.Want(wire.OpenInvite{Invite: wire.InviteID{9}, Expires: until(c, 1000*24*time.Hour)}, wire.OK{}) // room again

	c.Pass(15 * 24 * time.Hour) // nothing lasts for ever
	other.Want(wire.Lookup{Invite: wire.InviteID{9}}, unknown)

	// Who says goodbye is gone with everything.
	owner.Want(wire.OpenInvite{Invite: wire.InviteID{5}, Expires: until(c, time.Hour)}, wire.OK{})
	other.Want(wire.Lookup{Invite: wire.InviteID{5}}, found)
	_ = owner.WS.Close(websocket.StatusNormalClosure, "")
	servicetest.Eventually(t, "gone", func() bool {
		return other.Ask(wire.Lookup{Invite: wire.InviteID{5}}) == unknown
	})
	other.Want(wire.Send{To: owner.ID.Public().Address()}, failed(wire.CodeOffline))
}

// Who loses the connection is expected back for a minute: invitations and
// messages wait. What was acknowledged does not come again.
func TestReconnectLosesNothing(t *testing.T) {
	c := servicetest.NewClock()
	s := start(t, service.Config{Clock: c.Now})
	alice, bob := s.Login(t, servicetest.NewIdentity(t)), s.Login(t, servicetest.NewIdentity(t))
	to := alice.ID.Public().Address()
	alice.Want(wire.OpenInvite{Invite: wire.InviteID{1}, Expires: until(c, time.Hour)}, wire.OK{})
	send := func(text string) {
		t.Helper()
		bob.Send(uint32(len(text)), wire.Send{To: to, Sealed: []byte(text)})
		if f := bob.Read(); f.Body != (wire.OK{}) {
			t.Fatalf("%s: %#v", text, f.Body)
		}
	}
	send("1")
	send("22")
	first, d1 := alice.Delivered()
	second, d2 := alice.Delivered()
	if string(d1.Sealed) != "1" || string(d2.Sealed) != "22" {
		t.Fatalf("out of order: %s, %s", d1.Sealed, d2.Sealed)
	}
	alice.Send(first, wire.OK{})
	alice.Want(wire.CloseInvite{}, wire.OK{}) // the acknowledgement was read
	_ = alice.WS.CloseNow()
	send("333")
	bob.Want(wire.Lookup{Invite: wire.InviteID{1}}, wire.Found{Device: alice.ID.Public()})

	again := s.Dial(t)
	again.ID = alice.ID
	if _, ok := again.Prove(s.Pin, alice.ID, alice.ID).(wire.Welcome); !ok {
		t.Fatal("not welcome")
	}
	for _, want := range []struct {
		text string
		id   uint32
	}{{"22", second}, {"333", second + 1}} {
		id, d := again.Delivered()
		if string(d.Sealed) != want.text || id != want.id {
			t.Errorf("%d %s, want %d %s", id, d.Sealed, want.id, want.text)
		}
	}
	bob.Want(wire.Lookup{Invite: wire.InviteID{1}}, wire.Found{Device: alice.ID.Public()})

	_ = again.WS.CloseNow()
	tries := 0 // the service must have seen it before the clock moves
	servicetest.Eventually(t, "a device that stays away is offline", func() bool {
		c.Pass(61 * time.Second)
		tries++
		return bob.Ask(wire.Send{To: to, Sealed: make([]byte, tries)}) == failed(wire.CodeOffline)
	})
	bob.Want(wire.Lookup{Invite: wire.InviteID{1}}, failed(wire.CodeUnknownInvite))
}

// A request that is repeated because its answer was lost is carried out once.
func TestRepeatedSend(t *testing.T) {
	s := start(t, service.Config{})
	alice, bob := s.Login(t, servicetest.NewIdentity(t)), s.Login(t, servicetest.NewIdentity(t))
	to := alice.ID.Public().Address()
	deliver := func(id uint32, text string) {
		t.Helper()
		bob.Send(id, wire.Send{To: to, Sealed: []byte(text)})
		if f := bob.Read(); f.ID != id || f.Body != (wire.OK{}) {
			t.Fatalf("%#v", f)
		}
	}
	deliver(5, "a")
	_ = bob.WS.CloseNow()
	bob = s.Login(t, bob.ID)
	deliver(5, "a") // the same again
	deliver(5, "b") // the id of an earlier program
	deliver(6, "a") // the same words, said twice
	for _, want := range []string{"a", "b", "a"} {
		if _, d := alice.Delivered(); string(d.Sealed) != want {
			t.Errorf("%s, want %s", d.Sealed, want)
		}
	}
}

func TestQueueLimits(t *testing.T) {
	c := servicetest.NewClock()
	s := start(t, service.Config{Clock: c.Now, Limits: service.Limits{QueueMessages: 4, QueueBytes: 100, QueuedBytes: 120}})
	alice, bob, eve := s.Login(t, servicetest.NewIdentity(t)), s.Login(t, servicetest.NewIdentity(t)), s.Login(t, servicetest.NewIdentity(t))
	to := func(r *servicetest.Device) wire.Address { return r.ID.Public().Address() }
	full := failed(wire.CodeRateLimited)
	n := uint32(100)
	send := func(from, dest *servicetest.Device, size int, want wire.FrameBody) {
		t.Helper()
		n++
		from.Send(n, wire.Send{To: to(dest), Sealed: make([]byte, size)})
		if f := from.Read(); f.ID != n || f.Body != want {
			t.Errorf("%#v, want %#v", f.Body, want)
		}
	}
	send(bob, alice, 101, failed(wire.CodeTooLarge))
	send(bob, alice, 1, wire.OK{})
	send(bob, alice, 1, wire.OK{})
	send(bob, alice, 1, full) // half of it is all that one sender gets
	send(eve, alice, 96, wire.OK{})
	send(eve, alice, 3, full) // the bytes
	send(eve, alice, 1, wire.OK{})
	send(eve, bob, 30, failed(wire.CodeUnavailable)) // the bytes of all
	for range 4 {
		id, _ := alice.Delivered()
		alice.Send(id, wire.OK{})
	}
	alice.Want(wire.CloseInvite{}, wire.OK{})
	send(bob, alice, 99, wire.OK{})
	c.Pass(61 * time.Second) // what nobody takes runs out
	send(bob, alice, 99, wire.OK{})
}

// Whoever fills queues of their own devices fills no other's.
func TestQueuesOfOneAddress(t *testing.T) {
	s := start(t, service.Config{Limits: service.Limits{QueueMessages: 10, QueueBytes: 1000, QueuedBytes: 8000}})
	eve := s.LoginFrom(t, "127.5.5.5")
	n, taken := uint32(100), 0
	send := func(by, to *servicetest.Device) wire.FrameBody {
		n++
		by.Send(n, wire.Send{To: to.ID.Public().Address(), Sealed: make([]byte, 500)})
		return by.Read().Body
	}
	for range 20 {
		if send(eve, s.LoginFrom(t, "127.5.5.5")) == (wire.OK{}) {
			taken++
		}
	}
	if taken != 2 { // an eighth of 8000 bytes
		t.Errorf("the address fills %d queues", taken)
	}
	for i := range 7 {
		ip := fmt.Sprintf("127.6.6.%d", i+1)
		if got := send(s.LoginFrom(t, ip), s.LoginFrom(t, ip)); got != (wire.OK{}) {
			t.Errorf("somebody else at %s: %#v", ip, got)
		}
	}
}

// One connection for each device: the newer one counts.
func TestReplaced(t *testing.T) {
	s := start(t, service.Config{})
	id, bob := servicetest.NewIdentity(t), s.Login(t, servicetest.NewIdentity(t))
	old := s.Login(t, id)
	newer := s.Login(t, id)
	if _, code := old.Closed(); code != 4001 {
		t.Errorf("closed with %d", code)
	}
	bob.Want(wire.Send{To: id.Public().Address(), Sealed: []byte("x")}, wire.OK{})
	if _, d := newer.Delivered(); string(d.Sealed) != "x" {
		t.Errorf("%q", d.Sealed)
	}
}

// A connection that began earlier and logs in later is not the newer one.
func TestLateLogin(t *testing.T) {
	s := start(t, service.Config{})
	id := servicetest.NewIdentity(t)
	late := s.Dial(t)
	late.Send(1, wire.ServiceHello{Version: wire.Version, Device: id.Public()})
	ch := late.Read().Body.(wire.Challenge)
	newer := s.Login(t, id)
	var p wire.Proof
	copy(p.Signature[:], id.Sign(wire.ProofBytes(s.Pin, ch.Nonce, id.Public())))
	late.Send(2, p)
	if _, code := late.Closed(); code != 4001 {
		t.Errorf("closed with %d", code)
	}
	newer.Want(wire.CloseInvite{}, wire.OK{})
}

// Only who holds the key, answers this challenge and sees this certificate is
// let in.
func TestProof(t *testing.T) {
	s := start(t, service.Config{})
	other := start(t, service.Config{})
	id, thief := servicetest.NewIdentity(t), servicetest.NewIdentity(t)
	refused := func(what string, r *servicetest.Device, reply wire.FrameBody) {
		t.Helper()
		if reply != failed(wire.CodeAuthFailed) {
			t.Errorf("%s: %#v", what, reply)
		}
		if _, code := r.Closed(); code != 4003 {
			t.Errorf("%s: closed with %d", what, code)
		}
	}
	r := s.Dial(t)
	refused("another key", r, r.Prove(s.Pin, id, thief))

	// A service in the middle hands us the challenge of the real one, and our
	// answer, made for the middle's certificate, to the real one.
	r = s.Dial(t)
	refused("a proof made for another service", r, r.Prove(other.Pin, id, id))

	// An answer is good for its own challenge only.
	r = s.Dial(t)
	r.Send(1, wire.ServiceHello{Version: wire.Version, Device: id.Public()})
	stale := r.Read().Body.(wire.Challenge).Nonce
	r = s.Dial(t)
	r.Send(1, wire.ServiceHello{Version: wire.Version, Device: id.Public()})
	_ = r.Read()
	var p wire.Proof
	copy(p.Signature[:], id.Sign(wire.ProofBytes(s.Pin, stale, id.Public())))
	r.Send(2, p)
	refused("a proof for another challenge", r, r.Read().Body)

	r = s.Dial(t)
	r.Send(1, wire.ServiceHello{Version: wire.Version + 1, Device: id.Public()})
	if _, code := r.Closed(); code != 4002 {
		t.Errorf("another version: closed with %d", code)
	}
}

// Whatever one connection says, it is closed and the others live on.
func TestMalformed(t *testing.T) {
	s := start(t, service.Config{})
	bystander := s.Login(t, servicetest.NewIdentity(t))
	frame := func(b wire.FrameBody) []byte {
		out, err := wire.AppendFrame(nil, wire.Frame{ID: 1, Body: b})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	id := servicetest.NewIdentity(t)
	for what, c := range map[string]struct {
		before bool // before the login
		kind   websocket.MessageType
		b      []byte
		code   websocket.StatusCode
	}{
		"nothing":                {false, websocket.MessageBinary, nil, 1007},
		"noise":                  {false, websocket.MessageBinary, []byte("GET / HTTP/1.1"), 1007},
		"text":                   {false, websocket.MessageText, frame(wire.CloseInvite{}), 1007},
		"cut":                    {false, websocket.MessageBinary, frame(wire.Lookup{})[:20], 1007},
		"trailing":               {false, websocket.MessageBinary, append(frame(wire.Lookup{}), 0), 1007},
		"a challenge":            {false, websocket.MessageBinary, frame(wire.Challenge{}), 1007},
		"a delivery":             {false, websocket.MessageBinary, frame(wire.Deliver{}), 1007},
		"hello again":            {false, websocket.MessageBinary, frame(wire.ServiceHello{Version: 1, Device: id.Public()}), 1007},
		"a request before login": {true, websocket.MessageBinary, frame(wire.Lookup{}), 1007},
		"noise before login":     {true, websocket.MessageBinary, []byte{1, 2, 3}, 1007},
		"oversized":              {false, websocket.MessageBinary, make([]byte, wire.MaxFrame+1), 1009},
		"oversized before login": {true, websocket.MessageBinary, make([]byte, wire.MaxFrame+1), 1009},
	} {
		var r *servicetest.Device
		if c.before {
			r = s.Dial(t)
		} else {
			r = s.Login(t, servicetest.NewIdentity(t))
		}
		if err := r.Write(c.kind, c.b); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		last, code := r.Closed()
		if code != c.code {
			t.Errorf("%s: closed with %d, want %d", what, code, c.code)
		}
		if c.code == 1007 && last != failed(wire.CodeMalformed) {
			t.Errorf("%s: answered %#v", what, last)
		}
		bystander.Want(wire.CloseInvite{}, wire.OK{})
	}
}

// A flood is refused and then cut off, while others are served.
func TestFlood(t *testing.T) {
	s := start(t, service.Config{Limits: service.Limits{
		Requests: service.Rate{PerSecond: 1, Burst: 20}, Refusals: service.Rate{PerSecond: 1, Burst: 100},
	}})
	flooder, alice, bob := s.Login(t, servicetest.NewIdentity(t)), s.Login(t, servicetest.NewIdentity(t)), s.Login(t, servicetest.NewIdentity(t))
	done := make(chan struct{})
	go func() {
		defer close(done)
		b, _ := wire.AppendFrame(nil, wire.Frame{ID: 3, Body: wire.Lookup{}})
		for flooder.Write(websocket.MessageBinary, b) == nil {
		}
	}()
	for i := range 8 {
		text := fmt.Append(nil, i)
		bob.Want(wire.Send{To: alice.ID.Public().Address(), Sealed: text}, wire.OK{})
		if _, d := alice.Delivered(); !bytes.Equal(d.Sealed, text) {
			t.Errorf("%s", d.Sealed)
		}
	}
	admitted, refused := 0, 0
	for {
		f, err := flooder.TryRead()
		if err != nil {
			// What was still in flight may turn the goodbye into a reset.
			if code := websocket.CloseStatus(err); code != 1008 && code != -1 {
				t.Errorf("closed with %d", code)
			}
			break
		}
		if f.Body == failed(wire.CodeRateLimited) {
			refused++
		} else {
			admitted++
		}
	}
	<-done
	// A few more may come in while it lasts.
	if admitted < 15 || admitted > 60 || refused < 50 || refused > 200 {
		t.Errorf("%d admitted, %d refused", admitted, refused)
	}
}

// All connections of one address share a limit.
func TestFloodByMany(t *testing.T) {
	s := start(t, service.Config{Limits: service.Limits{RequestsPerAddress: service.Rate{PerSecond: 0.001, Burst: 10}}})
	refused := 0
	for range 3 {
		r := s.Dial(t)
		r.ID = servicetest.NewIdentity(t)
		if _, ok := r.Prove(s.Pin, r.ID, r.ID).(wire.Welcome); !ok {
			t.Fatal("not welcome")
		}
		for range 5 {
			if r.Ask(wire.Lookup{}) == failed(wire.CodeRateLimited) {
				refused++
			}
		}
	}
	if refused != 5 {
		t.Errorf("%d refused", refused)
	}
}

func TestConnectionLimits(t *testing.T) {
	s := start(t, service.Config{Limits: service.Limits{ConnectionsPerAddress: 3}})
	var conns []net.Conn
	refused := func() bool {
		c, err := net.Dial("tcp", s.Addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		conns = append(conns, c)
		_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		_, err = c.Read(make([]byte, 1))
		return !isTimeout(err)
	}
	for i := range 3 {
		if refused() {
			t.Fatalf("connection %d refused", i)
		}
	}
	if !refused() {
		t.Error("a fourth connection")
	}
	_ = conns[0].Close()
	servicetest.Eventually(t, "a place is free again", func() bool { return !refused() })
}

// Whoever says nothing, or nothing in time, is sent away.
func TestSilence(t *testing.T) {
	s := start(t, service.Config{Limits: service.Limits{
		Handshake: 150 * time.Millisecond, Ping: 100 * time.Millisecond, Answer: 200 * time.Millisecond,
	}})
	tcp, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tcp.Close() }()
	_ = tcp.SetReadDeadline(time.Now().Add(servicetest.Patience))
	if _, err := tcp.Read(make([]byte, 1)); err == nil || isTimeout(err) {
		t.Errorf("no TLS: %v", err)
	}
	_, code := s.Dial(t).Closed()
	if code != -1 {
		t.Errorf("no hello: closed with %d", code)
	}
	// A device that never reads never answers a ping.
	id, bob := servicetest.NewIdentity(t), s.Login(t, servicetest.NewIdentity(t))
	go func() { // bob reads, and so lives
		for {
			if _, err := bob.TryRead(); err != nil {
				return
			}
		}
	}()
	dead := s.Login(t, id)
	time.Sleep(600 * time.Millisecond)
	if _, code := dead.Closed(); code != -1 {
		t.Errorf("no pong: closed with %d", code)
	}
	if err := bob.Write(websocket.MessageBinary, []byte{0, 0, 0, 1, 11}); err != nil {
		t.Errorf("a living connection: %v", err)
	}
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

func TestHTTP(t *testing.T) {
	s := start(t, service.Config{})
	tr := servicetest.Insecure()
	defer tr.CloseIdleConnections()
	client := &http.Client{Transport: tr, Timeout: servicetest.Patience}
	for _, c := range []struct {
		method, path, origin string
		code                 int
	}{
		{"GET", "/healthz", "", 200},
		{"GET", "/", "", 404},
		{"POST", "/healthz", "", 405},
		{"GET", "/ws", "", 426},
		{"GET", "/ws", "https://" + s.Addr, 403},
	} {
		req, err := http.NewRequestWithContext(t.Context(), c.method, "https://"+s.Addr+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.origin != "" {
			req.Header.Set("Origin", c.origin)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != c.code || resp.ProtoMajor != 1 {
			t.Errorf("%s %s: %s %q %v", c.method, c.path, resp.Status, body, err)
		}
		if resp.TLS.Version != tls.VersionTLS13 {
			t.Errorf("TLS %x", resp.TLS.Version)
		}
	}
	_, err := tls.Dial("tcp", s.Addr, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12})
	if err == nil {
		t.Error("TLS 1.2 was accepted")
	}
	resp, err := client.Get("http://" + s.Addr + "/healthz")
	if err == nil {
		_ = resp.Body.Close()
		if resp.StatusCode == 200 {
			t.Error("answered without TLS")
		}
	}
}

// The end is announced, and everybody is gone when Run returns.
func TestDrain(t *testing.T) {
	s := start(t, service.Config{Limits: service.Limits{Drain: 300 * time.Millisecond}})
	polite := s.Login(t, servicetest.NewIdentity(t))
	_ = s.Login(t, servicetest.NewIdentity(t)) // never reads: no answer to a goodbye
	thief := s.Dial(t)                         // the same, and the goodbye began before
	_ = thief.Prove(s.Pin, servicetest.NewIdentity(t), servicetest.NewIdentity(t))
	_ = s.Dial(t) // not logged in
	tcp, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tcp.Close() }()
	code := make(chan websocket.StatusCode, 1)
	go func() {
		_, c := polite.Closed()
		code <- c
	}()
	began := time.Now()
	s.Stop()
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("it took %v; a goodbye waits 5 s for its answer", took)
	}
	if c := <-code; c != websocket.StatusServiceRestart {
		t.Errorf("closed with %d", c)
	}
	if c, err := net.Dial("tcp", s.Addr); err == nil {
		_ = c.Close()
		t.Error("it still listens")
	}
}

// A log of everything that happens names nobody.
func TestLogIsImpersonal(t *testing.T) {
	s := start(t, service.Config{Limits: service.Limits{Requests: service.Rate{PerSecond: 1, Burst: 5}, Refusals: service.Rate{PerSecond: 1, Burst: 1}, Drain: 100 * time.Millisecond}})
	id := servicetest.NewIdentity(t)
	r := s.Login(t, id)
	invite := wire.InviteID{0xaa, 0xbb}
	r.Want(wire.OpenInvite{Invite: invite, Expires: time.Now().Add(time.Hour).Unix()}, wire.OK{})
	r.Want(wire.Send{To: id.Public().Address(), Sealed: []byte("plain-words")}, wire.OK{})
	for range 20 {
		b, _ := wire.AppendFrame(nil, wire.Frame{ID: 1, Body: wire.Lookup{Invite: invite}})
		_ = r.Write(websocket.MessageBinary, b)
	}
	_, _ = r.Closed()
	r = s.Dial(t)
	_ = r.Prove(s.Pin, id, servicetest.NewIdentity(t))
	r = s.Dial(t)
	_ = r.Write(websocket.MessageBinary, []byte("plain-words"))
	_, _ = r.Closed()
	tcp, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = tcp.Write([]byte("plain-words"))
	_, _ = tcp.Read(make([]byte, 100))
	_ = tcp.Close()
	s.Stop()
	log := s.log.String()
	for _, want := range []string{"service started", "service stopped", "proof refused", "malformed frame", "closed for its rate"} {
		if !strings.Contains(log, want) {
			t.Errorf("not logged: %s", want)
		}
	}
	for _, never := range []string{
		"127.0.0.1", "plain-words", id.Public().Address().String(), invite.String(), fmt.Sprintf("%x", id.Public().Append(nil)[:8]), "170 187",
	} {
		if strings.Contains(log, never) {
			t.Errorf("logged: %s", never)
		}
	}
}

func TestRunsOnce(t *testing.T) {
	cert, err := service.NewCertificate()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := service.New(service.Config{}); err == nil {
		t.Error("a service without a certificate")
	}
	s, err := service.New(service.Config{Certificate: cert})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			_ = ln.Close() // a listener that fails
		}
		if err := s.Run(t.Context(), ln); err == nil {
			t.Errorf("run %d succeeded", i)
		}
		if _, err := ln.Accept(); err == nil {
			t.Errorf("run %d left its listener open", i)
		}
	}
}
