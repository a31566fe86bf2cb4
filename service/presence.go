package service

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/sync/errgroup"

	"viewflip.app/service/bus"
	"viewflip.app/service/store"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

// Close codes of connections that are bound to a session.
const (
	// statusRevoked: the device was revoked, the session ended, the account deleted.
	statusRevoked websocket.StatusCode = 4004
	// statusLogin: the session is over its life.
	statusLogin websocket.StatusCode = 4005
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
	// telling are accounts whose state is being told; true: once more, because it
	// changed meanwhile. So what is told last is what is.
	telling map[store.AccountID]bool
	heards  uint64 // how many states were heard
	// owed are accounts of whom something could not be told, shown or checked.
	owed map[store.AccountID]struct{}
}

// bound is an account that is here.
type bound struct {
	sub     *bus.Subscription
	conns   map[*conn]*binding
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

// heard does what was told.
func (p *presence) heard(who store.AccountID, what []byte) {
	if len(what) == 0 {
		return
	}
	kind, rest := what[0], what[1:]
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.of[who]
	if b == nil {
		return
	}
	for c, n := range b.conns {
		switch {
		case kind == tellPresence && len(rest) == 17 && n.own:
			p.heards++
			n.show(c, account.ID(rest), shown{wire.State(rest[16]), p.heards})
		case kind == tellChanged && len(rest) == 1 && n.own:
			c.notify(wire.Changed{What: wire.What(rest[0])})
		case kind == tellRevoked && len(rest) == 16 && n.session.Device == account.ID(rest),
			kind == tellEnded && len(rest) == 16 && n.session.ID == account.ID(rest), kind == tellErased:
			c.bar(ending{statusRevoked, "revoked"})
		}
	}
}

// show tells a state, unless it is known.
func (n *binding) show(c *conn, handle account.ID, is shown) {
	if is.state > wire.Busy {
		return
	}
	was := n.shown[handle].state
	n.shown[handle] = is
	if is.state != was {
		c.notify(wire.Presence{Handle: handle, State: is.state})
	}
}

// bind binds a connection to a session.
func (c *conn) bind(ctx context.Context, m wire.Bind) (wire.FrameBody, wire.ErrorCode) {
	s := c.service
	if !s.accounts() {
		return nil, wire.CodeUnavailable
	}
	ctx, cancel := context.WithTimeout(ctx, s.limits.Answer)
	defer cancel()
	n, code, err := s.store.Authorize(ctx, account.Authorization{Session: m.Session, Gen: m.Gen, Seq: m.Seq, MAC: m.MAC},
		account.BindMethod, account.BindPath, c.nonce[:])
	switch {
	case err != nil:
		return nil, wire.CodeUnavailable
	case code != "" || n.Kind != store.KindDevice:
		return nil, wire.CodeAuthFailed
	}
	own := n.Keys == c.box.device
	if err := s.presence.add(ctx, c, n, own); err != nil {
		c.bound = false
		if errors.Is(err, store.ErrRevoked) || errors.Is(err, store.ErrNotFound) {
			return nil, wire.CodeAuthFailed
		}
		return nil, wire.CodeUnavailable
	}
	c.bound = true
	if own {
		s.background(func() { s.presence.snapshot(n.Account) })
	}
	return wire.Bound{}, 0
}

// add subscribes first and looks at the session again then, so that no
// revocation falls between.
func (p *presence) add(ctx context.Context, c *conn, n store.Session, own bool) error {
	p.mu.Lock()
	other := c.boundTo != n.Account && p.of[c.boundTo] != nil
	p.mu.Unlock()
	if other { // one connection is one account's
		p.drop(c)
	}
	p.mu.Lock()
	c.boundTo = n.Account
	b := p.of[n.Account]
	if b == nil {
		b = &bound{conns: make(map[*conn]*binding)}
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
func (p *presence) drop(c *conn) {
	p.mu.Lock()
	who := c.boundTo
	b := p.of[who]
	if b == nil || b.conns[c] == nil {
		p.mu.Unlock()
		return
	}
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
func (p *presence) set(c *conn, state wire.State) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	who := c.boundTo
	b := p.of[who]
	if b == nil || b.conns[c] == nil || !b.conns[c].own {
		return false
	}
	b.conns[c].state = state
	p.s.background(func() { p.announce(who) })
	return true
}

// here is the state of an account on this node: of several devices, invisible
// counts more than busy, and busy more than online.
func (p *presence) here(who store.AccountID) (state wire.State) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if b := p.of[who]; b != nil {
		for _, n := range b.conns {
			state = max(state, n.state)
		}
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
	p.s.background(func() {
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
	b := p.of[who]
	if b == nil {
		return
	}
	for c, n := range b.conns {
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
		p.s.background(p.settle)
	}
	for who, b := range p.of {
		for c, n := range b.conns {
			if !now.Before(n.session.Expires) {
				c.bar(ending{statusLogin, "login"})
			}
		}
		if !now.Before(b.refresh) {
			b.refresh = now.Add(refreshTime)
			p.s.background(func() { p.check(who); p.snapshot(who) })
		}
	}
}

// check closes connections whose session was ended by whom we did not hear.
func (p *presence) check(who store.AccountID) {
	ctx, cancel := context.WithTimeout(context.Background(), p.s.limits.Answer)
	defer cancel()
	of := make(map[account.ID][]*conn)
	p.mu.Lock()
	if b := p.of[who]; b != nil {
		for c, n := range b.conns {
			of[n.session.ID] = append(of[n.session.ID], c)
		}
	}
	p.mu.Unlock()
	for session, conns := range of {
		_, err := p.s.store.Session(ctx, session)
		switch {
		case errors.Is(err, store.ErrRevoked), errors.Is(err, store.ErrNotFound):
			for _, c := range conns {
				c.bar(ending{statusRevoked, "revoked"})
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
