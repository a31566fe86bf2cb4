package main

import (
	"context"
	"fmt"

	"viewflip.app/keychain"
	"viewflip.app/platform"
)

// runDoctor says line by line what works here.
func runDoctor(ctx context.Context, w world, _ []string) error {
	say := func(c platform.Capability) error {
		mark := "ok     "
		if !c.OK {
			mark = "missing"
		}
		line := fmt.Sprintf("%s  %-15s %s", mark, c.Name, c.Detail)
		if c.Remedy != "" && !c.OK {
			line += "; " + c.Remedy
		}
		_, err := fmt.Fprintln(w.stdout, line)
		return err
	}
	var lines []platform.Capability
	d, err := platform.Open("", w.logger())
	if err != nil {
		lines = append(lines, platform.Capability{Name: "display server", Detail: plain(err)})
	} else {
		lines = append(lines, d.Capabilities()...)
		if err := d.Close(); err != nil {
			return err
		}
	}
	dirs, err := platform.UserDirs(w.getenv)
	if err != nil {
		return err
	}
	k, err := keychain.Open(ctx, keychain.Options{
		App: "viewflip", Dir: dirs.Data, Kind: keychain.Kind(w.getenv("VIEWFLIP_KEYCHAIN")), Log: w.logger(),
		Passphrase: func(context.Context, bool) (keychain.Secret, error) {
			return keychain.NewSecret([]byte(w.getenv("VIEWFLIP_PASSPHRASE"))), nil
		},
	})
	if err != nil {
		lines = append(lines, platform.Capability{Name: "keychain", Detail: plain(err)})
	} else {
		lines = append(lines, platform.Capability{Name: "keychain", OK: k.Kind() != keychain.Memory, Detail: k.Describe()})
	}
	lines = append(lines, platform.Capability{Name: "codecs", OK: true, Detail: "lossless tiles"})
	if _, err := iceServers(w.getenv("VIEWFLIP_ICE")); err != nil {
		lines = append(lines, platform.Capability{Name: "network", Detail: err.Error()})
	} else {
		lines = append(lines, platform.Capability{Name: "network", OK: true, Detail: "direct connections; VIEWFLIP_ICE adds STUN and TURN servers"})
	}
	for _, c := range lines {
		if err := say(c); err != nil {
			return err
		}
	}
	return nil
}
