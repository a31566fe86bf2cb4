package app

import (
	"context"
	"fmt"
	"os/user"
	"strings"

	"viewflip.app/wire"
)

// chooseName settles how others see this person: by the name that was asked for, by
// the environment, by the keychain, or by what this machine calls them.
func (a *App) chooseName(ctx context.Context, name string) error {
	if b, err := a.Keys.Get(ctx, nameEntry); err == nil {
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

// Name is how others see this person.
func (a *App) Name() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.name
}

// SetName changes how others see this person from the next call on. It
// is kept when the program ends.
func (a *App) SetName(s string) {
	if s = wire.CleanName(s); s != "" {
		a.mu.Lock()
		a.name = s
		a.mu.Unlock()
		a.renamed.Store(true)
	}
}

// keepName writes a name that was changed to the keychain.
func (a *App) keepName() {
	name := a.Name()
	if !a.renamed.Load() || name == a.kept {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(a.ctx), keepTime)
	defer cancel()
	if err := a.Keys.Set(ctx, nameEntry, []byte(name)); err != nil {
		a.Log.Warn("name not kept", "err", err)
	}
}

// userName is what this machine calls the person.
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
