package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/term"

	"viewflip.app/keychain"
	"viewflip.app/wire"
)

const (
	identityEntry = "device-identity"
	nameEntry     = "display-name"
	// keepTime is how long the end of the program waits for the keychain.
	keepTime = 2 * time.Second
)

// loadIdentity reads this device's keys from the keychain or makes them.
func (a *App) loadIdentity(ctx context.Context) (*wire.Identity, error) {
	b, err := a.Keys.Get(ctx, identityEntry)
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
	return id, a.Keys.Set(ctx, identityEntry, id.Marshal())
}

// passphrase opens the file keychain.
func (a *App) passphrase(_ context.Context, first bool) (keychain.Secret, error) {
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
