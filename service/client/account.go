package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"viewflip.app/bell"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

// AccountConfig is what an Account is made from.
type AccountConfig struct {
	// Credentials are what the keychain holds. Required.
	Credentials account.Credentials
	// Save keeps them when they change. Required.
	Save func(context.Context, account.Credentials) error
	// Log never gets names, addresses, keys or messages. Nil discards.
	Log *slog.Logger
}

// Account is this person's account as this device knows it: it stays logged in,
// knows the contacts and whether they are there, and rings. What the service
// says is checked against the keys that this device pinned. Safe for concurrent
// use.
type Account struct {
	web      *web
	auth     *authorized
	mail     *Client
	identity *wire.Identity
	device   account.ID
	log      *slog.Logger
	save     func(context.Context, account.Credentials) error
	ran      atomic.Bool
	wake     chan struct{} // capacity 1: stale grew
	vault    vault
	unbound  atomic.Bool // the last binding was refused
	changed  bell.Bell   // of State

	mu       sync.Mutex
	creds    account.Credentials
	me       account.Me
	online   bool
	trouble  error
	doubts   map[wire.What]error // what the service shows that cannot be right
	own      account.DeviceList
	info     []account.DeviceInfo
	contacts []contact
	asks     []account.Ask
	presence map[account.ID]wire.State
	mine     wire.State
	rings    []ring
	ringing  map[wire.InviteID]calling // that we began
	checking map[[16]byte]ring         // not known yet whether they are of now; by nonce
	ended    map[wire.InviteID]bool    // do not ring again
	stale    map[wire.What]bool        // what to ask for again
}

// AccountState is a snapshot of an account. It is immutable.
type AccountState struct {
	// Online is true while the service is connected; Trouble says why not, or
	// what it shows that cannot be right: ErrRollback, ErrOwnList.
	Online  bool
	Trouble error
	Account account.Public
	Device  account.ID
	Me      account.Me
	// Presence is what contacts see of this device.
	Presence wire.State
	Devices  []AccountDevice
	Contacts []Contact
	// Asks are people who ask to become a contact.
	Asks []account.Ask
	// Asked are addresses that this person asked and that did not answer yet.
	Asked []string
	// Rings are contacts who call now.
	Rings []Ring
	// Kit is true once a recovery kit was made.
	Kit bool
}

// AccountDevice is one device of this account.
type AccountDevice struct {
	ID      account.ID
	Label   string
	Added   uint32 // days since 1970-01-01 UTC
	LastDay uint32
	Current bool
}

// NewAccount makes an account that is not running yet.
func NewAccount(cfg AccountConfig) (*Account, error) {
	identity, err := cfg.Credentials.PassKey.Identity()
	if err != nil {
		return nil, fmt.Errorf("client: account: %w", err)
	}
	if cfg.Save == nil {
		return nil, errors.New("client: an account needs a place to keep its credentials")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	c := cfg.Credentials
	a := &Account{
		web: newWeb(c.Service), identity: identity, device: c.PassKey.DeviceID(), log: cfg.Log, save: cfg.Save,
		wake: make(chan struct{}, 1), stale: map[wire.What]bool{}, doubts: map[wire.What]error{}, creds: c, mine: wire.Online,
		presence: map[account.ID]wire.State{}, ringing: map[wire.InviteID]calling{}, checking: map[[16]byte]ring{}, ended: map[wire.InviteID]bool{},
	}
	a.auth = newAuthorized(a.web, prover{id: a.device, password: c.PassKey.Password(), identity: identity})
	a.mail, err = New(Config{
		Service: c.Service, Identity: identity, Log: cfg.Log, Note: a.noted,
		Bind: func(ctx context.Context, nonce [32]byte) (wire.Bind, error) {
			return a.auth.bind(ctx, nonce, a.unbound.Swap(true))
		},
	})
	if err != nil {
		return nil, err
	}
	return a, nil
}

// Binder makes other connections of this person, those of calls, part of the
// session: for Config.Bind.
func (a *Account) Binder() func(ctx context.Context, nonce [32]byte) (wire.Bind, error) {
	return func(ctx context.Context, nonce [32]byte) (wire.Bind, error) { return a.auth.bind(ctx, nonce, false) }
}

// Service is where the account lives.
func (a *Account) Service() wire.Service { return a.web.service }

// Public is the account's key.
func (a *Account) Public() account.Public { return a.key().Public() }

func (a *Account) key() account.Key {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.creds.Key
}

// Run stays connected until ctx ends, and then returns nil, or until an error
// that is final: those of Client.Run. It runs once.
func (a *Account) Run(ctx context.Context) error {
	if a.ran.Swap(true) {
		return errors.New("client: it ran already")
	}
	defer a.web.close()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return a.mail.Run(ctx) })
	g.Go(func() error { return a.follow(ctx) })
	g.Go(func() error { return a.open(ctx) })
	g.Go(func() error { return a.keep(ctx) })
	err := g.Wait()
	a.mu.Lock()
	a.online = false
	if err != nil {
		a.trouble = err
	}
	a.changed.Ring()
	a.mu.Unlock()
	return err
}

// Changed ticks after every change of State until ctx ends.
func (a *Account) Changed(ctx context.Context) <-chan struct{} { return a.changed.Listen(ctx) }

// State returns a snapshot.
func (a *Account) State() AccountState {
	v := a.vault.look()
	a.mu.Lock()
	defer a.mu.Unlock()
	st := AccountState{
		Online: a.online, Trouble: a.trouble, Account: a.creds.Key.Public(), Device: a.device, Me: a.me,
		Presence: a.mine, Asks: slices.Clone(a.asks), Kit: v.Kit,
	}
	for _, err := range a.doubts {
		if st.Trouble == nil {
			st.Trouble = err
		}
	}
	for _, q := range v.Asked {
		st.Asked = append(st.Asked, string(q.Email))
	}
	for _, d := range a.own.Active() {
		out := AccountDevice{ID: d.ID, Added: d.Added, Current: d.ID == a.device, Label: "unnamed device"}
		for _, i := range a.info {
			if i.ID == d.ID {
				out.Label, out.LastDay = string(i.Label), i.LastDay
			}
		}
		st.Devices = append(st.Devices, out)
	}
	for _, c := range a.contacts {
		st.Contacts = append(st.Contacts, c.public(a.presence[c.Handle]))
	}
	for _, r := range a.rings {
		st.Rings = append(st.Rings, r.Ring)
	}
	return st
}

// follow asks again for what changed.
func (a *Account) follow(ctx context.Context) error {
	for {
		select {
		case s := <-a.mail.States():
			a.connected(ctx, s)
		case <-a.wake:
			for _, w := range a.takeStale() {
				if err := a.sync(ctx, w); err != nil {
					if errors.Is(err, ErrDeviceRevoked) {
						return err
					}
					a.log.Info("account not up to date", "err", err)
					a.again(ctx, w)
				}
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// doubt notes what the service shows that cannot be right, until it does not.
func (a *Account) doubt(w wire.What, err error) {
	wrong := errors.Is(err, ErrRollback) || errors.Is(err, ErrOwnList)
	if err != nil && !wrong {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, had := a.doubts[w]; !wrong && !had {
		return
	}
	delete(a.doubts, w)
	if wrong {
		a.doubts[w] = err
	}
	a.changed.Ring()
}

// syncAgain is when what could not be asked for is asked for again.
const syncAgain = 5 * time.Second

func (a *Account) again(ctx context.Context, w wire.What) {
	t := time.AfterFunc(syncAgain, func() { a.want(w) })
	context.AfterFunc(ctx, func() { t.Stop() })
}

func (a *Account) want(w ...wire.What) {
	a.mu.Lock()
	for _, w := range w {
		a.stale[w] = true
	}
	a.mu.Unlock()
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// takeStale says what to ask for again. The account includes its devices.
func (a *Account) takeStale() []wire.What {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stale[wire.ChangedAccount] {
		delete(a.stale, wire.ChangedDevices)
	}
	out := slices.Sorted(maps.Keys(a.stale))
	clear(a.stale)
	return out
}

func (a *Account) connected(ctx context.Context, s State) {
	on := s == Connected
	a.mu.Lock()
	a.online = on
	mine := a.mine
	if !on {
		clear(a.presence) // nobody tells of changes
	}
	a.changed.Ring()
	a.mu.Unlock()
	if !on {
		return
	}
	a.unbound.Store(false)
	if err := a.mail.SetPresence(ctx, mine); err != nil {
		a.log.Info("presence not told", "err", err)
	}
	a.want(wire.ChangedAccount, wire.ChangedContacts)
}

// noted takes what the service tells unasked.
func (a *Account) noted(b wire.FrameBody) {
	switch m := b.(type) {
	case wire.Changed:
		a.want(m.What)
	case wire.Presence:
		a.mu.Lock()
		a.presence[m.Handle] = m.State
		a.changed.Ring()
		a.mu.Unlock()
	}
}

func (a *Account) sync(ctx context.Context, w wire.What) error {
	switch w {
	case wire.ChangedContacts:
		return a.syncContacts(ctx)
	case wire.ChangedDevices:
		return a.syncDevices(ctx)
	default:
		me, err := ask[account.Me](ctx, a.auth, account.PathMe, account.Empty{})
		if err != nil {
			return err
		}
		a.mu.Lock()
		a.me = me
		a.changed.Ring()
		a.mu.Unlock()
		return a.syncDevices(ctx)
	}
}

// Refresh asks for everything, for whoever does not Run.
func (a *Account) Refresh(ctx context.Context) error {
	if err := a.sync(ctx, wire.ChangedAccount); err != nil {
		return err
	}
	return a.syncContacts(ctx)
}

// SetPresence tells contacts how this device is: online, busy or invisible.
func (a *Account) SetPresence(ctx context.Context, s wire.State) error {
	a.mu.Lock()
	a.mine = s
	on := a.online
	a.changed.Ring()
	a.mu.Unlock()
	if !on {
		return nil // with the next connection
	}
	return a.mail.SetPresence(ctx, s)
}

// SetName changes the person's name.
func (a *Account) SetName(ctx context.Context, n account.Name) error {
	if _, err := ask[account.Empty](ctx, a.auth, account.PathMeUpdate, account.MeUpdate{Name: n}); err != nil {
		return err
	}
	return a.sync(ctx, wire.ChangedAccount)
}

// SetFindable lets others ask by e-mail, or no more.
func (a *Account) SetFindable(ctx context.Context, on bool) error {
	if _, err := ask[account.Empty](ctx, a.auth, account.PathMeFindable, account.MeFindable{On: on}); err != nil {
		return err
	}
	return a.sync(ctx, wire.ChangedAccount)
}

// Export is everything that the service has about this person, as JSON.
func (a *Account) Export(ctx context.Context) ([]byte, error) {
	e, err := ask[account.Export](ctx, a.auth, account.PathMeExport, account.Empty{})
	return e.Data, err
}

// Delete erases the account at the service. Nothing brings it back.
func (a *Account) Delete(ctx context.Context) error {
	if err := a.auth.lock(ctx); err != nil {
		return err
	}
	a.auth.ses = nil // deleting wants a login of this minute
	a.auth.unlock()
	_, err := ask[account.Empty](ctx, a.auth, account.PathMeDelete, account.Empty{})
	return err
}
