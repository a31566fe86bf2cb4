//go:build linux

package accounts_test

import (
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"viewflip.app/service"
	"viewflip.app/service/accounts"
	"viewflip.app/service/bus"
	"viewflip.app/service/servicetest"
	"viewflip.app/service/store"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

// nats is a message bus outside the nodes, which can go and come back.
type nats struct {
	t    *testing.T
	port int
	srv  *server.Server
}

func startNATS(t *testing.T) *nats {
	t.Helper()
	n := &nats{t: t, port: server.RANDOM_PORT}
	n.start()
	t.Cleanup(n.stop)
	return n
}

func (n *nats) start() {
	n.t.Helper()
	srv, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: n.port, NoLog: true, NoSigs: true})
	if err != nil {
		n.t.Fatal(err)
	}
	srv.Start()
	if !srv.ReadyForConnections(servicetest.Patience) {
		n.t.Fatal("no NATS")
	}
	n.srv, n.port = srv, srv.Addr().(*net.TCPAddr).Port
}

func (n *nats) stop() { n.srv.Shutdown(); n.srv.WaitForShutdown() }

func (n *nats) url() string { return fmt.Sprint("nats://127.0.0.1:", n.port) }

// two starts two nodes of one service, on one database and one bus.
func two(t *testing.T, engine string) (a, b *running, out *servicetest.Outbox, n *nats) {
	t.Helper()
	n = startNATS(t)
	o := store.Options{Dir: t.TempDir(), Master: store.NewMasterKey()}
	if engine == "postgres" {
		o.URL = servicetest.StartPostgres(t).URL()
	}
	open := func() *store.Store {
		st, err := store.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = st.Close() })
		return st
	}
	out = servicetest.NewOutbox()
	var err error
	cfg := accounts.Config{Mail: out}
	if cfg.Mailbox.Certificate, err = service.NewCertificate(); err != nil {
		t.Fatal(err)
	}
	var nodes [2]*running
	for i := range nodes {
		if engine == "postgres" || i == 0 { // a file is one process's, whose nodes share it
			cfg.Store = open()
		}
		cfg.Bus = servicetest.Bus(t, bus.Config{URL: n.url()})
		nodes[i] = start(t, cfg)
	}
	return nodes[0], nodes[1], out, n
}

// at gives the person's device on another node.
func (p *person) at(s *running) *person {
	q := *p
	q.s = s
	return &q
}

// meet makes two people contacts and gives ann's handle of bob.
func meet(ann, bob *person) (ofBob account.ID) {
	ann.t.Helper()
	link := wire.InviteID(newID(ann.t))
	must[account.Empty](ann, account.PathContactInvite, account.ContactInvite{Invite: account.InviteHash(link)})
	must[account.ContactAccepted](bob, account.PathContactAccept, account.ContactAccept{Invite: account.ID(link), Proof: account.Hash{1}})
	for _, c := range must[account.Contacts](ann, account.PathContacts, account.Empty{}).Contacts {
		if c.Account == bob.key.Public() {
			return c.Handle
		}
	}
	ann.t.Fatal("they did not meet")
	return account.ID{}
}

// sent tries until a message is taken, and acknowledges it there.
func sent(t *testing.T, from, to *servicetest.Device, text string) {
	t.Helper()
	servicetest.Eventually(t, "sent: "+text, func() bool {
		from.Send(9, wire.Send{To: to.ID.Public().Address(), Sealed: []byte(text)})
		return from.Reply(9) == (wire.OK{})
	})
	for {
		f := to.Read()
		if d, ok := f.Body.(wire.Deliver); ok {
			if d.From != from.ID.Public().Address() || string(d.Sealed) != text {
				t.Fatalf("%s instead of %s", d.Sealed, text)
			}
			to.Send(f.ID, wire.OK{})
			return
		}
	}
}

func TestTwoNodes(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) { testTwoNodes(t, engine) })
	}
}

func testTwoNodes(t *testing.T, engine string) {
	t.Helper()
	north, south, out, bus := two(t, engine)
	ann := signUp(t, north, out, "ann@example.org", "Ann")
	bob := signUp(t, south, out, "bob@example.org", "Bob") // the session works on both
	ofBob := meet(ann.at(south), bob.at(north))

	// Messages, invitations and presence pass between nodes.
	a, b := ann.bind(), bob.bind()
	sent(t, a, b, "north to south")
	sent(t, b, a, "south to north")
	a.Send(10, wire.OpenInvite{Invite: wire.InviteID{7}, Expires: time.Now().Add(time.Hour).Unix()})
	if got := a.Reply(10); got != (wire.OK{}) {
		t.Fatalf("%#v", got)
	}
	b.Send(11, wire.Lookup{Invite: wire.InviteID{7}})
	if got := b.Reply(11); got != (wire.Found{Device: a.ID.Public()}) {
		t.Errorf("%#v", got)
	}
	b.Send(12, wire.SetPresence{State: wire.Busy})
	a.Until(wire.Presence{Handle: ofBob, State: wire.Busy})

	// Who comes later gets what is.
	_ = a.WS.Close(1000, "")
	a = ann.bind()
	a.Until(wire.Presence{Handle: ofBob, State: wire.Busy})

	// A device moves to the other node and back: it is in one place, and
	// nothing gets lost or doubled.
	for i, node := range []*running{north, south, north} {
		old := b
		b = bob.at(node).bind()
		if _, code := old.Closed(); code != 4001 {
			t.Errorf("move %d: the old connection ended by %d", i, code)
		}
		sent(t, a, b, fmt.Sprint("after move ", i))
		sent(t, b, a, fmt.Sprint("and back ", i))
	}
	b.Send(13, wire.SetPresence{State: wire.Online})
	a.Until(wire.Presence{Handle: ofBob, State: wire.Online})

	// The bus is gone for a while: in one node all goes on, and later all is well.
	b2 := bob.at(south).bind()
	b.Closed()
	b = b2
	bus.stop()
	servicetest.Eventually(t, "the nodes notice", func() bool {
		a.Send(14, wire.Send{To: b.ID.Public().Address(), Sealed: []byte("x")})
		return a.Reply(14) != (wire.OK{})
	})
	must[account.Me](ann, account.PathMe, account.Empty{})
	carl := signUp(t, north, out, "carl@example.org", "Carl") // subscribes while there is no bus
	c := carl.bind()
	sent(t, a, c, "in one node")
	bus.start()
	sent(t, b, c, "to who came meanwhile")
	sent(t, a, b, "again")
	b.Send(15, wire.SetPresence{State: wire.Busy})
	a.Until(wire.Presence{Handle: ofBob, State: wire.Busy})

	// A device is revoked on one node and its socket on the other closes.
	must[account.Empty](bob.at(north), account.PathSessionEnd, account.SessionEnd{})
	if _, code := b.Closed(); code != 4004 {
		t.Errorf("revoked on the other node: closed by %d", code)
	}
	bob.refused(account.PathMe, account.Empty{}, account.CodeRevoked)
	a.Until(wire.Presence{Handle: ofBob, State: wire.Offline})

	// One node drains; the other takes over.
	north.Stop()
	a.Closed()
	a = ann.at(south).bind()
	bob = bob.at(south)
	bob.login()
	b = bob.bind()
	sent(t, a, b, "one node left")
	must[account.Me](ann.at(south), account.PathMe, account.Empty{})
}

// What the bus could not tell is found out when it is back.
func TestRevokedWithoutBus(t *testing.T) {
	north, south, out, bus := two(t, "sqlite")
	ann := signUp(t, north, out, "ann@example.org", "Ann")
	a := ann.bind()
	bus.stop()
	must[account.Empty](ann.at(south), account.PathSessionEnd, account.SessionEnd{})
	bus.start()
	if _, code := a.Closed(); code != 4004 {
		t.Errorf("closed by %d", code)
	}
}
