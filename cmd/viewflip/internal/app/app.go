// Package app is what all calls of this process share: this device's keys, its
// person's name and account, the private service, and the guard that takes
// everything back.
package app

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"

	"viewflip.app/cmd/viewflip/internal/command"
	"viewflip.app/cmd/viewflip/internal/holder"
	"viewflip.app/cmd/viewflip/internal/peer"
	"viewflip.app/cmd/viewflip/internal/system"
	"viewflip.app/keychain"
	"viewflip.app/platform"
	"viewflip.app/rtc"
	"viewflip.app/session"
	"viewflip.app/wire"
)

// App is that. Its exported fields are made by Open and do not change.
type App struct {
	command.World
	Log *slog.Logger
	// System is this machine; it has no desktop where there is none.
	System *system.System
	// Keys is where secrets are kept.
	Keys *keychain.Keychain
	// Holder holds this device's account.
	Holder *holder.Holder

	identity *wire.Identity
	ice      []rtc.ICEServer
	traffic  peer.Traffic

	ctx    context.Context //nolint:containedctx // the life of the process's services
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu   sync.Mutex
	name string
	kept string        // the name that the keychain holds
	own  *wire.Service // the private service, once started
	// calls are those that run; changed ticks with every change in one.
	calls   map[*session.Call]bool
	changed chan struct{}
	renamed atomic.Bool
}

// Open makes an App. name is how others shall see this person; "" takes what they
// were called before, or at this machine. desk stays the caller's; nil where there is
// none. Errors are for people. The caller closes the App.
func Open(ctx context.Context, w command.World, name string, desk *platform.Desktop) (*App, error) {
	actx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	a := &App{
		World: w, Log: w.Logger(), ctx: actx, cancel: cancel,
		calls: map[*session.Call]bool{}, changed: make(chan struct{}, 1),
	}
	a.System = system.New(desk, w.Getenv, a.Log)
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

// open fills in what can fail.
func (a *App) open(ctx context.Context, name string) (err error) {
	if a.ice, err = peer.ICEServers(a.Getenv("VIEWFLIP_ICE")); err != nil {
		return err
	}
	dirs, err := platform.UserDirs(a.Getenv)
	if err != nil {
		return err
	}
	a.Keys, err = keychain.Open(ctx, keychain.Options{
		App: "viewflip", Dir: dirs.Data, Kind: keychain.Kind(a.Getenv("VIEWFLIP_KEYCHAIN")),
		Passphrase: a.passphrase, Log: a.Log,
	})
	if err != nil {
		return err
	}
	a.Holder = holder.New(a.ctx, a.Keys, a.Getenv, a.Log)
	if a.identity, err = a.loadIdentity(ctx); err != nil {
		return err
	}
	return a.chooseName(ctx, name)
}

// Close ends the private service and everything else, and waits for it.
func (a *App) Close() {
	a.keepName()
	a.cancel()
	a.wg.Wait()
	a.Holder.Wait()
	a.System.Close()
}

// Go runs f until it returns; its context ends when the App is closed, and Close
// waits for it.
func (a *App) Go(f func(ctx context.Context)) { a.wg.Go(func() { f(a.ctx) }) }
