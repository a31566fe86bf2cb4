package accounts

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"viewflip.app/service"
	"viewflip.app/service/bus"
	"viewflip.app/service/store"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

const (
	gatherTime  = 200 * time.Millisecond
	refreshTime = 5 * time.Minute
	// renewAtOnce is how many accounts are looked after at once: each waits for
	// answers of other nodes.
	renewAtOnce = 64
)

// presence knows which connections of this node are bound to which account.
// Nothing of it is stored. All nodes tell each other over the bus, on one
// subject for each account.
type presence struct {
	s  *Service
	mu sync.Mutex
	of map[store.AccountID]*bound
	// accountOf says to whom each connection of this node is bound: those that are
	// in of, and no others.
	accountOf map[*service.Conn]store.AccountID
	// telling are accounts whose state is being told; true: once more, because it
	// changed meanwhile. So what is told last is what is.
	telling map[store.AccountID]bool
	heards  uint64 // how many states were heard
	// owed are accounts of whom something could not be told, shown or checked.
	owed map[store.AccountID]struct{}
}

func newPresence(s *Service) *presence {
	return &presence{
		s: s, of: make(map[store.AccountID]*bound), accountOf: make(map[*service.Conn]store.AccountID),
		telling: make(map[store.AccountID]bool), owed: make(map[store.AccountID]struct{}),
	}
}

// bound is an account that is here.
type bound struct {
	sub     *bus.Subscription
	conns   map[*service.Conn]*binding
	refresh time.Time
}

type binding struct {
	session store.Session
	// own is set for the connection with the device's own identity: it has a
	// presence and gets those of others.
	own   bool
	state wire.State
	shown map[account.ID]shown
}

// shown is the state of a contact as a connection knows it, and which of what
// was heard said so; 0 if nothing did.
type shown struct {
	state wire.State
	heard uint64
}

// What is told on the subject of an account: a kind, then its field.
const (
	tellPresence byte = iota + 1
	tellChanged
	tellRevoked
	tellEnded
	tellErased
)

func changed(w wire.What) []byte       { return []byte{tellChanged, byte(w)} }
func revoked(device account.ID) []byte { return append([]byte{tellRevoked}, device[:]...) }
func ended(session account.ID) []byte  { return append([]byte{tellEnded}, session[:]...) }
func erased() []byte                   { return []byte{tellErased} }

func subjectOf(kind string, id [16]byte) (bus.Subject, error) {
	return bus.To(kind, account.ID(id).String())
}

// tell tells every node that has connections of the account; this one even if
// the bus is gone.
func (p *presence) tell(who store.AccountID, what []byte) {
	subject, err := subjectOf("account", who)
	if err == nil {
		err = p.s.bus.Publish(subject, what)
	}
	if err != nil {
		p.heard(who, what)
	}
}

// connsLocked are the connections of an account at this node.
func (p *presence) connsLocked(who store.AccountID) map[*service.Conn]*binding {
	if b := p.of[who]; b != nil {
		return b.conns
	}
	return nil
}

// heard does what was told.
func (p *presence) heard(who store.AccountID, what []byte) {
	if len(what) == 0 {
		return
	}
	kind, rest := what[0], what[1:]
	p.mu.Lock()
	defer p.mu.Unlock()
	for c, n := range p.connsLocked(who) {
		switch {
		case kind == tellPresence && len(rest) == 17 && n.own:
			p.heards++
			n.show(c, account.ID(rest), shown{wire.State(rest[16]), p.heards})
		case kind == tellChanged && len(rest) == 1 && n.own:
			c.Notify(wire.Changed{What: wire.What(rest[0])})
		case kind == tellRevoked && len(rest) == 16 && n.session.Device == account.ID(rest),
			kind == tellEnded && len(rest) == 16 && n.session.ID == account.ID(rest), kind == tellErased:
			c.End(service.Revoked)
		}
	}
}

// show tells a state, unless it is known.
func (n *binding) show(c *service.Conn, handle account.ID, is shown) {
	if is.state > wire.Busy {
		return
	}
	was := n.shown[handle].state
	n.shown[handle] = is
	if is.state != was {
		c.Notify(wire.Presence{Handle: handle, State: is.state})
	}
}

// bind binds a connection to a session; see service.Accounts.
func (p *presence) bind(ctx context.Context, c *service.Conn, m wire.Bind) (bound bool, code wire.ErrorCode) {
	ctx, cancel := context.WithTimeout(ctx, p.s.limits.Answer)
	defer cancel()
	nonce := c.Nonce()
	n, why, err := p.s.store.Authorize(ctx, account.Authorization{Session: m.Session, Gen: m.Gen, Seq: m.Seq, MAC: m.MAC},
		account.BindMethod, account.BindPath, nonce[:])
	switch {
	case err != nil:
		return p.has(c), wire.CodeUnavailable
	case why != "" || n.Kind != store.KindDevice:
		return p.has(c), wire.CodeAuthFailed
	}
	own := n.Keys == c.Device()
	if err := p.add(ctx, c, n, own); err != nil {
		if errors.Is(err, store.ErrRevoked) || errors.Is(err, store.ErrNotFound) {
			return false, wire.CodeAuthFailed
		}
		return false, wire.CodeUnavailable
	}
	if own {
		p.s.mailbox.Background(func() { p.snapshot(n.Account) })
	}
	return true, 0
}

func (p *presence) has(c *service.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, known := p.accountOf[c]
	return known
}

// add subscribes first and looks at the session again then, so that no
// revocation falls between.
func (p *presence) add(ctx context.Context, c *service.Conn, n store.Session, own bool) error {
	p.mu.Lock()
	before, known := p.accountOf[c]
	p.mu.Unlock()
	if known && before != n.Account { // one connection is one account's
		p.drop(c)
	}
	p.mu.Lock()
	p.accountOf[c] = n.Account
	b := p.of[n.Account]
	if b == nil {
		b = &bound{conns: make(map[*service.Conn]*binding)}
		p.of[n.Account] = b
	}
	was := b.conns[c]
	b.conns[c] = &binding{session: n, own: own, shown: make(map[account.ID]shown)}
	if was != nil {
		b.conns[c].state = was.state
	}
	b.refresh = p.s.now().Add(refreshTime)
	p.mu.Unlock()
	p.subscribe(n.Account)
	_ = p.s.bus.Sync(ctx) // while the bus is gone, check looks after it
	_, err := p.s.store.Session(ctx, n.ID)
	if err != nil {
		p.drop(c)
	}
	return err
}

// subscribe makes sure that the account is heard of, if the bus is there.
func (p *presence) subscribe(who store.AccountID) {
	subject, err := subjectOf("account", who)
	if err != nil {
		return
	}
	p.mu.Lock()
	b := p.of[who]
	need := b != nil && b.sub == nil
	p.mu.Unlock()
	if !need {
		return
	}
	sub, err := p.s.bus.Subscribe(subject, func(m bus.Message) { p.heard(who, m.Data) })
	if err != nil {
		return // resume does it
	}
	p.mu.Lock()
	if p.of[who] == b && b.sub == nil {
		b.sub, sub = sub, nil
	}
	p.mu.Unlock()
	if sub != nil {
		sub.Close()
	}
}

// drop forgets a connection.
func (p *presence) drop(c *service.Conn) {
	p.mu.Lock()
	who, known := p.accountOf[c]
	if !known {
		p.mu.Unlock()
		return
	}
	delete(p.accountOf, c)
	b := p.of[who]
	shown := b.conns[c].state != wire.Offline
	delete(b.conns, c)
	var sub *bus.Subscription
	if len(b.conns) == 0 {
		sub = b.sub
		delete(p.of, who)
	}
	p.mu.Unlock()
	if sub != nil {
		sub.Close()
	}
	if shown {
		p.announce(who)
	}
}

// set sets the state of a connection; false if it may have none.
func (p *presence) set(c *service.Conn, state wire.State) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	who, known := p.accountOf[c]
	if !known || !p.of[who].conns[c].own {
		return false
	}
	p.of[who].conns[c].state = state
	p.s.mailbox.Background(func() { p.announce(who) })
	return true
}

// here is the state of an account on this node: of several devices, invisible
// counts more than busy, and busy more than online.
func (p *presence) here(who store.AccountID) (state wire.State) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, n := range p.connsLocked(who) {
		state = max(state, n.state)
	}
	return state
}

// listen answers other nodes who ask for states: 16 bytes for each account, and
// 17 in the answer for each that is here.
func (p *presence) listen() (*bus.Subscription, error) {
	all, err := bus.All("presence")
	if err != nil {
		return nil, err
	}
	return p.s.bus.Subscribe(all, func(m bus.Message) {
		var out []byte
		for b := m.Data; len(b) >= 16; b = b[16:] {
			if state := p.here(store.AccountID(b)); state != wire.Offline {
				out = append(append(out, b[:16]...), byte(state))
			}
		}
		if out != nil {
			_ = m.Reply(out)
		}
	})
}

// states asks all nodes. Invisible comes out as offline.
func (p *presence) states(ctx context.Context, whose []store.AccountID) map[store.AccountID]wire.State {
	out := make(map[store.AccountID]wire.State, len(whose))
	var ask []byte
	for _, a := range whose {
		out[a] = p.here(a)
		ask = append(ask, a[:]...)
	}
	ctx, cancel := context.WithTimeout(ctx, gatherTime)
	defer cancel()
	if all, err := bus.All("presence"); err == nil && len(ask) > 0 && len(ask) <= bus.MaxMessage {
		answers, _ := p.s.bus.Gather(ctx, all, ask) // what is not heard is not here
		for _, b := range answers {
			for ; len(b) >= 17; b = b[17:] {
				a, state := store.AccountID(b), wire.State(b[16])
				if was, asked := out[a]; asked {
					out[a] = max(was, state)
				}
			}
		}
	}
	for a, state := range out {
		if state > wire.Busy {
			out[a] = wire.Offline
		}
	}
	return out
}

// announce tells the state of an account to its contacts.
func (p *presence) announce(who store.AccountID) {
	p.mu.Lock()
	_, running := p.telling[who]
	p.telling[who] = running
	p.mu.Unlock()
	if running {
		return
	}
	p.s.mailbox.Background(func() {
		for again := true; again; {
			p.tellState(who)
			p.mu.Lock()
			if again = p.telling[who]; again {
				p.telling[who] = false
			} else {
				delete(p.telling, who)
			}
			p.mu.Unlock()
		}
	})
}

func (p *presence) tellState(who store.AccountID) {
	ctx, cancel := context.WithTimeout(context.Background(), p.s.limits.Answer)
	defer cancel()
	peers, err := p.s.store.Peers(ctx, who)
	if err != nil {
		p.s.log.Warn("a presence is not told", "cause", cause(err))
		p.owe(who)
		return
	}
	state := p.states(ctx, []store.AccountID{who})[who]
	for _, peer := range peers {
		p.tell(peer.Account, append(append([]byte{tellPresence}, peer.Theirs[:]...), byte(state)))
	}
}

// snapshot shows an account's connections here the states of its contacts. What
// was heard since it began to ask is newer.
func (p *presence) snapshot(who store.AccountID) {
	p.mu.Lock()
	began := p.heards
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), p.s.limits.Answer)
	defer cancel()
	peers, err := p.s.store.Peers(ctx, who)
	if err != nil {
		p.s.log.Warn("a presence is not shown", "cause", cause(err))
		p.owe(who)
		return
	}
	whose := make([]store.AccountID, len(peers))
	for i, peer := range peers {
		whose[i] = peer.Account
	}
	states := p.states(ctx, whose)
	p.mu.Lock()
	defer p.mu.Unlock()
	for c, n := range p.connsLocked(who) {
		for _, peer := range peers {
			if heard := n.shown[peer.Handle].heard; n.own && heard <= began {
				n.show(c, peer.Handle, shown{states[peer.Account], heard})
			}
		}
	}
}

// sweep closes what is over its life, and refreshes snapshots and sessions: a
// node that died told nobody, a command on the database tells nobody.
func (p *presence) sweep() {
	now := p.s.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.owed) > 0 {
		p.s.mailbox.Background(p.settle)
	}
	for who, b := range p.of {
		for c, n := range b.conns {
			if !now.Before(n.session.Expires) {
				c.End(service.SessionOver)
			}
		}
		if !now.Before(b.refresh) {
			b.refresh = now.Add(refreshTime)
			p.s.mailbox.Background(func() { p.check(who); p.snapshot(who) })
		}
	}
}

// check closes connections whose session was ended by whom we did not hear.
func (p *presence) check(who store.AccountID) {
	ctx, cancel := context.WithTimeout(context.Background(), p.s.limits.Answer)
	defer cancel()
	of := make(map[account.ID][]*service.Conn)
	p.mu.Lock()
	for c, n := range p.connsLocked(who) {
		of[n.session.ID] = append(of[n.session.ID], c)
	}
	p.mu.Unlock()
	for session, conns := range of {
		_, err := p.s.store.Session(ctx, session)
		switch {
		case errors.Is(err, store.ErrRevoked), errors.Is(err, store.ErrNotFound):
			for _, c := range conns {
				c.End(service.Revoked)
			}
		case err != nil:
			p.owe(who)
		}
	}
}

// owe has the account looked after once the database is back.
func (p *presence) owe(who store.AccountID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.owed[who] = struct{}{}
}

// settle does what is owed, if the database answers.
func (p *presence) settle() {
	ctx, cancel := context.WithTimeout(context.Background(), p.s.limits.Answer)
	defer cancel()
	if p.s.store.Ready(ctx) != nil {
		return
	}
	p.mu.Lock()
	whose := slices.Collect(maps.Keys(p.owed))
	clear(p.owed)
	p.mu.Unlock()
	p.renew(whose)
}

// renew checks accounts, which matters most, and shows and tells what is.
func (p *presence) renew(whose []store.AccountID) {
	for _, do := range []func(store.AccountID){p.check, func(who store.AccountID) { p.snapshot(who); p.announce(who) }} {
		var g errgroup.Group
		g.SetLimit(renewAtOnce)
		for _, who := range whose {
			g.Go(func() error { do(who); return nil })
		}
		_ = g.Wait() // never fails
	}
}

// resume makes up for what was not heard while the bus was gone.
func (p *presence) resume() {
	var whose []store.AccountID
	p.mu.Lock()
	for who := range p.of {
		whose = append(whose, who)
	}
	p.mu.Unlock()
	for _, who := range whose {
		p.subscribe(who)
	}
	p.renew(whose)
}
