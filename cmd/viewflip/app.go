package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/user"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/term"

	"viewflip.app/cmd/viewflip/internal/command"
	"viewflip.app/cmd/viewflip/internal/peer"
	"viewflip.app/cmd/viewflip/internal/system"
	"viewflip.app/keychain"
	"viewflip.app/platform"
	"viewflip.app/rtc"
	"viewflip.app/service"
	"viewflip.app/service/client"
	"viewflip.app/session"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

const (
	identityEntry = "device-identity"
	nameEntry     = "display-name"
	// keepTime is how long the end of the program waits for the keychain.
	keepTime = 2 * time.Second
)

// app holds what all calls of this process share.
type app struct {
	command.World
	log      *slog.Logger
	sys      *system.System // this machine's desktop, if it has one
	keys     *keychain.Keychain
	identity *wire.Identity
	ice      []rtc.ICEServer

	ctx    context.Context //nolint:containedctx // the life of the process's services
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu   sync.Mutex
	name string
	kept string        // the name that the keychain holds
	own  *wire.Service // the private service, once started
	// account is this device's, once it was asked for; ended is why the last one
	// is over, and news is closed when one begins or ends. senders are the
	// contacts who sent a link. Who writes or deletes the account's entry in the
	// keychain holds keeping.
	keeping sync.Mutex
	account *client.Account
	ended   error
	aside   bool // whether the keychain holds one that was set aside
	news    chan struct{}
	senders map[wire.InviteID]session.Contact
	// calls are those that run; changed ticks with every change in one.
	calls   map[*session.Call]bool
	changed chan struct{}

	renamed atomic.Bool
	traffic peer.Traffic
}

func newApp(ctx context.Context, w command.World, name string, desk *platform.Desktop) (*app, error) {
	actx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	a := &app{
		World: w, log: w.Logger(), ctx: actx, cancel: cancel,
		news: make(chan struct{}), senders: map[wire.InviteID]session.Contact{}, calls: map[*session.Call]bool{}, changed: make(chan struct{}, 1),
	}
	a.sys = system.New(desk, w.Getenv, a.log)
	if err := a.open(ctx, name); err != nil {
		cancel()
		return nil, err
	}
	if err := a.startStats(); err != nil {
		cancel()
		return nil, err
	}
	return a, nil
}

func (a *app) open(ctx context.Context, name string) (err error) {
	if a.ice, err = peer.ICEServers(a.Getenv("VIEWFLIP_ICE")); err != nil {
		return err
	}
	dirs, err := platform.UserDirs(a.Getenv)
	if err != nil {
		return err
	}
	a.keys, err = keychain.Open(ctx, keychain.Options{
		App: "viewflip", Dir: dirs.Data, Kind: keychain.Kind(a.Getenv("VIEWFLIP_KEYCHAIN")),
		Passphrase: a.passphrase, Log: a.log,
	})
	if err != nil {
		return err
	}
	if a.identity, err = a.loadIdentity(ctx); err != nil {
		return err
	}
	if b, err := a.keys.Get(ctx, nameEntry); err == nil {
		a.kept = wire.CleanName(string(b))
	}
	if a.name = wire.CleanName(name); a.name == "" && name != "" {
		return fmt.Errorf("nothing of the name %q could be seen by others: give a name with letters", name)
	}
	for _, n := range []func() string{
		func() string { return a.Getenv("VIEWFLIP_NAME") },
		func() string { return a.kept },
		userName,
		func() string { return "Somebody" },
	} {
		if a.name == "" {
			a.name = wire.CleanName(n())
		}
	}
	return nil
}

func userName() string {
	u, err := user.Current()
	if err != nil {
		return "Somebody"
	}
	if full, _, _ := strings.Cut(u.Name, ","); full != "" {
		return full
	}
	return u.Username
}

// loadIdentity reads this device's keys from the keychain or makes them.
func (a *app) loadIdentity(ctx context.Context) (*wire.Identity, error) {
	b, err := a.keys.Get(ctx, identityEntry)
	if err == nil {
		id, err := wire.ParseIdentity(b)
		if err != nil {
			return nil, fmt.Errorf("the device key in the keychain is damaged; remove the entry %q of viewflip and start again: %w", identityEntry, err)
		}
		return id, nil
	}
	if !errors.Is(err, keychain.ErrNotFound) {
		return nil, err
	}
	id, err := wire.NewIdentity(rand.Reader)
	if err != nil {
		return nil, err
	}
	return id, a.keys.Set(ctx, identityEntry, id.Marshal())
}

// passphrase opens the file keychain.
func (a *app) passphrase(_ context.Context, first bool) (keychain.Secret, error) {
	if p := a.Getenv("VIEWFLIP_PASSPHRASE"); p != "" {
		return keychain.NewSecret([]byte(p)), nil
	}
	f, ok := a.Stdin.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return keychain.Secret{}, errors.New("the file keychain needs a passphrase: set VIEWFLIP_PASSPHRASE or start viewflip in a terminal")
	}
	prompt := "Passphrase of the viewflip keychain: "
	if first {
		prompt = "Choose a passphrase for the new viewflip keychain: "
	}
	_, _ = fmt.Fprint(a.Stderr, prompt)
	b, err := term.ReadPassword(int(f.Fd()))
	_, _ = fmt.Fprintln(a.Stderr)
	if err != nil {
		return keychain.Secret{}, fmt.Errorf("the passphrase could not be read: %w", err)
	}
	return keychain.NewSecret(b), nil
}

// close ends the private service and everything else, and waits for it.
func (a *app) close() {
	a.keepName()
	a.cancel()
	a.wg.Wait()
	a.sys.Close()
}

func (a *app) displayName() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.name
}

// setDisplayName changes how others see this person from the next call on. It
// is kept when the program ends.
func (a *app) setDisplayName(s string) {
	if s = wire.CleanName(s); s != "" {
		a.mu.Lock()
		a.name = s
		a.mu.Unlock()
		a.renamed.Store(true)
	}
}

// keepName writes a name that was changed to the keychain.
func (a *app) keepName() {
	name := a.displayName()
	if !a.renamed.Load() || name == a.kept {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(a.ctx), keepTime)
	defer cancel()
	if err := a.keys.Set(ctx, nameEntry, []byte(name)); err != nil {
		a.log.Warn("name not kept", "err", err)
	}
}

// service returns the service that new calls of ours use: the team's, that of
// the account, or a private one that is started inside this process on first
// use.
func (a *app) service(ctx context.Context, acct *client.Account) (wire.Service, error) {
	if acct != nil && a.Getenv("VIEWFLIP_SERVICE") == "" {
		return acct.Service(), nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.own != nil {
		return *a.own, nil
	}
	if s := a.Getenv("VIEWFLIP_SERVICE"); s != "" {
		svc, err := client.ParseServiceURL(s)
		if err != nil {
			return wire.Service{}, fmt.Errorf("VIEWFLIP_SERVICE: %w", err)
		}
		a.own = &svc
		return svc, nil
	}
	addr := a.Getenv("VIEWFLIP_LISTEN")
	if addr == "" {
		addr = ":0"
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return wire.Service{}, fmt.Errorf("the private service cannot listen: %w", err)
	}
	cert, err := service.NewCertificate()
	if err != nil {
		return wire.Service{}, errors.Join(err, ln.Close())
	}
	addrs := a.advertise(ln.Addr())
	srv, err := service.New(service.Config{Certificate: cert, Relay: peer.PrivateRelay(ln.Addr(), addrs, a.log), Log: a.log})
	if err != nil {
		return wire.Service{}, errors.Join(err, ln.Close())
	}
	a.wg.Go(func() {
		if err := srv.Run(a.ctx, ln); err != nil {
			a.log.Error("private service ended", "err", err)
		}
	})
	svc := wire.Service{Addrs: addrs, Pin: srv.Pin()}
	a.own = &svc
	return svc, nil
}

// advertise lists the addresses under which others may reach a listener: what
// the user said, or this machine's own.
func (a *app) advertise(at net.Addr) []string {
	if s := a.Getenv("VIEWFLIP_ADVERTISE"); s != "" {
		return strings.Split(s, ",")
	}
	return service.Advertise(at)
}

// newCall makes and runs a call: in the service of a link, or in our own.
func (a *app) newCall(ctx context.Context, link *wire.Link) (*session.Call, error) {
	acct, err := a.openAccount(ctx)
	if err != nil {
		return nil, err
	}
	identity := a.identity
	var svc wire.Service
	if link != nil {
		svc = link.Service
		if link.Inviter == identity.Public().Address() {
			// Both ends on one machine under one account: a key for this call
			// only keeps the two apart.
			if identity, err = wire.NewIdentity(rand.Reader); err != nil {
				return nil, err
			}
		}
	} else if svc, err = a.service(ctx, acct); err != nil {
		return nil, err
	}
	mcfg := client.Config{Service: svc, Identity: identity, Log: a.log}
	var public account.Public
	if acct != nil && acct.Service().Pin == svc.Pin {
		// The account's own connection stays: a call has keys for itself.
		if identity, err = wire.NewIdentity(rand.Reader); err != nil {
			return nil, err
		}
		mcfg.Identity, mcfg.Bind, public = identity, acct.Binder(), acct.Public()
	}
	mail, err := client.New(mcfg)
	if err != nil {
		return nil, err
	}
	call := session.New(session.Config{
		Identity: identity, Name: a.displayName(), Account: public, ContactOf: a.contactOf, Service: svc, Mailbox: mail,
		NewPeer: func(offerer bool, s session.Signaller) (session.Peer, error) {
			return peer.New(peer.Options{Mail: mail, Service: svc, ICE: a.ice, Traffic: &a.traffic, Log: a.log}, offerer, s)
		},
		OpenCapture: a.openCapture, NewGate: a.gates(),
		OpenCursor: a.sys.Cursors(), OpenHand: a.sys.Hands(), Clipboard: a.sys.Clipboard(), NewEncoder: peer.NewEncoder, NewDecoder: peer.NewDecoder, Log: a.log,
	})
	mctx, stop := context.WithCancel(a.ctx)
	a.follow(mctx, call)
	a.wg.Go(func() {
		// The call goes on without it, for those who are in it.
		if err := mail.Run(mctx); err != nil && mctx.Err() == nil {
			a.log.Warn("service connection ended", "err", err)
		}
	})
	a.wg.Go(func() {
		defer stop()
		if err := call.Run(a.ctx); err != nil {
			a.log.Warn("call ended", "err", err)
		}
	})
	if a.sys.Desktop() != nil {
		a.wg.Go(func() { a.showMarks(a.ctx, call) })
	}
	return call, nil
}
