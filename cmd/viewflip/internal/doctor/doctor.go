// Package doctor is the command "viewflip doctor": line by line what works on this
// machine, what is missing, and what to do about it.
package doctor

import (
	"context"
	"fmt"
	"strings"

	"viewflip.app/cmd/viewflip/internal/command"
	"viewflip.app/cmd/viewflip/internal/peer"
	"viewflip.app/cmd/viewflip/internal/system"
	"viewflip.app/keychain"
	"viewflip.app/platform"
	"viewflip.app/rtc"
)

// Run is the command: it says line by line what works here.
func Run(ctx context.Context, w command.World, _ []string) error {
	say := func(c platform.Capability) error {
		mark := "ok     "
		if !c.OK {
			mark = "missing"
		}
		line := fmt.Sprintf("%s  %-15s %s", mark, c.Name, c.Detail)
		if c.Remedy != "" && !c.OK {
			line = strings.TrimSuffix(line, ".") + "; " + c.Remedy
		}
		_, err := fmt.Fprintln(w.Stdout, line)
		return err
	}
	desk, err := platform.Open("", w.Logger())
	lines := system.New(desk, w.Getenv, w.Logger()).Lines(ctx, err)
	if desk != nil {
		if err := desk.Close(); err != nil {
			return err
		}
	}
	dirs, err := platform.UserDirs(w.Getenv)
	if err != nil {
		return err
	}
	k, err := keychain.Open(ctx, keychain.Options{
		App: "viewflip", Dir: dirs.Data, Kind: keychain.Kind(w.Getenv("VIEWFLIP_KEYCHAIN")), Log: w.Logger(),
		Passphrase: func(context.Context, bool) (keychain.Secret, error) {
			return keychain.NewSecret([]byte(w.Getenv("VIEWFLIP_PASSPHRASE"))), nil
		},
	})
	if err != nil {
		lines = append(lines, platform.Capability{Name: "keychain", Detail: command.Plain(err)})
	} else {
		lines = append(lines, platform.Capability{
			Name: "keychain", OK: k.Kind() != keychain.Memory, Detail: k.Describe(),
			Remedy: "sharing and joining by link work all the same; VIEWFLIP_KEYCHAIN=file keeps the key in a sealed file",
		})
	}
	lines = append(append(lines, codecLine()), networkLines(ctx, w)...)
	for _, c := range lines {
		if err := say(c); err != nil {
			return err
		}
	}
	return nil
}

// codecLine says which of the codecs this build has.
func codecLine() platform.Capability {
	c := platform.Capability{Name: "codecs", OK: true, Detail: "lossless tiles"}
	for _, k := range peer.Codecs() {
		if k.MimeType == rtc.MimeTypeVP9 {
			c.Detail += ", VP9 for peers that are not viewflip"
		}
	}
	return c
}
