package keychain

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"viewflip.app/private"
)

const (
	fileName = "keychain.sealed"
	lockName = "keychain.lock"
	// maxFile bounds what is read and written, in bytes.
	maxFile = 256 << 10
)

// file is the store in one sealed file. It is read anew for every call, so
// that several processes can share it; changes are made under a lock.
type file struct {
	path, lock string
	key        *sealKey
	turn       chan struct{} // one at a time within this process
}

func openFile(ctx context.Context, o Options) (*file, error) {
	if o.Dir == "" {
		return nil, errors.New("keychain: no directory for the keychain file given")
	}
	if o.Passphrase == nil {
		return nil, errors.New("keychain: the keychain file needs a passphrase")
	}
	return openFileWith(ctx, o, defaultCost())
}

func openFileWith(ctx context.Context, o Options, cost cost) (*file, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("keychain: make directory: %w", err)
	}
	f := &file{
		path: filepath.Join(o.Dir, fileName), lock: filepath.Join(o.Dir, lockName),
		turn: make(chan struct{}, 1),
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if err := f.closeToOthers(o.Dir, o.Log); err != nil {
		return nil, err
	}
	// The file is looked at first: nobody types a passphrase for a broken one.
	b, err := f.read()
	first := errors.Is(err, os.ErrNotExist)
	if err != nil && !first {
		return nil, err
	}
	pass, err := o.Passphrase(ctx, first)
	if err != nil {
		return nil, fmt.Errorf("keychain: passphrase: %w", err)
	}
	if len(pass.Reveal()) == 0 {
		return nil, errors.New("keychain: the passphrase is empty")
	}
	if first {
		if b, err = f.create(ctx, pass, cost); err != nil {
			return nil, err
		}
	}
	if f.key == nil {
		h, err := parseHeader(b)
		if err != nil {
			return nil, err
		}
		f.key = newSealKey(pass, h)
	}
	_, err = f.open(b)
	return f, err
}

// closeToOthers takes a sealed file that others can open away from them, and
// says so: they may have copied it, and can then guess at the passphrase for as
// long as they like. A directory into which others can put a file of theirs is
// refused.
func (f *file) closeToOthers(dir string, log *slog.Logger) error {
	d, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("keychain: directory: %w", err)
	}
	if !private.Dir(d) {
		return fmt.Errorf("keychain: others can put files into %s, which holds your keys: run chmod 700 %s", dir, dir)
	}
	for _, path := range []string{f.path, f.lock} {
		i, err := os.Stat(path)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("keychain: %w", err)
		}
		if private.File(i) {
			continue
		}
		if err := os.Chmod(path, 0o600); err != nil {
			return fmt.Errorf("keychain: others can open %s: run chmod 600 %s", path, path)
		}
		if path == f.path {
			log.Warn("others could read the file with your sealed keys until now; it is yours alone again. If you do not trust everybody on this machine, make new keys with a new passphrase", "file", path)
		}
	}
	return nil
}

// create writes an empty file, which fixes the passphrase, unless another
// process just did. It returns what is in the file now.
func (f *file) create(ctx context.Context, pass Secret, cost cost) (b []byte, err error) {
	h, err := newHeader(cost)
	if err != nil {
		return nil, err
	}
	err = f.exclusively(ctx, func() error {
		if b, err = f.read(); !errors.Is(err, os.ErrNotExist) {
			return err
		}
		f.key = newSealKey(pass, h)
		if err := f.write(map[string][]byte{}); err != nil {
			return err
		}
		b, err = f.read()
		return err
	})
	return b, err
}

// exclusively runs fn while no other call or process changes the file.
func (f *file) exclusively(ctx context.Context, fn func() error) error {
	select {
	case f.turn <- struct{}{}:
		defer func() { <-f.turn }()
	case <-ctx.Done():
		return fmt.Errorf("keychain: %w", ctx.Err())
	}
	l, err := os.OpenFile(f.lock, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("keychain: lock: %w", err)
	}
	defer func() { _ = l.Close() }() // closing unlocks
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	for {
		ok, err := tryLock(l)
		if err != nil {
			return fmt.Errorf("keychain: lock: %w", err)
		}
		if ok {
			return fn()
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("keychain: another process holds the keychain file: %w", ctx.Err())
		}
	}
}

// read returns the bytes of the file, which are at least whole.
func (f *file) read() ([]byte, error) {
	in, err := os.Open(f.path)
	if err != nil {
		return nil, fmt.Errorf("keychain: read file: %w", err)
	}
	defer func() { _ = in.Close() }()
	b, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("keychain: read file: %w", err)
	}
	if len(b) > maxFile || !whole(b) {
		return nil, fmt.Errorf("%w: %s", ErrCorrupt, f.path)
	}
	return b, nil
}

// open decrypts what read returned.
func (f *file) open(b []byte) (map[string][]byte, error) {
	plain, err := f.key.open(b)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	entries := map[string][]byte{}
	if err := json.Unmarshal(plain, &entries); err != nil || entries == nil {
		return nil, fmt.Errorf("%w: %s", ErrCorrupt, f.path)
	}
	return entries, nil
}

func (f *file) load() (map[string][]byte, error) {
	b, err := f.read()
	if err != nil {
		return nil, err
	}
	return f.open(b)
}

// write replaces the file at once: a crash leaves the old or the new one.
func (f *file) write(entries map[string][]byte) (err error) {
	plain, err := json.Marshal(entries)
	if err != nil {
		return fmt.Errorf("keychain: encode: %w", err)
	}
	defer clear(plain)
	b, err := f.key.seal(plain)
	if err != nil {
		return err
	}
	if len(b) > maxFile {
		return ErrTooLarge
	}
	dir := filepath.Dir(f.path)
	t, err := os.CreateTemp(dir, fileName+".*") // mode 0600
	if err != nil {
		return fmt.Errorf("keychain: write file: %w", err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("keychain: write file: %w", err)
			_ = t.Close()
			_ = os.Remove(t.Name())
		}
	}()
	if _, err = io.Copy(t, bytes.NewReader(b)); err != nil {
		return err
	}
	if err = t.Sync(); err != nil {
		return err
	}
	if err = t.Close(); err != nil {
		return err
	}
	if err = os.Rename(t.Name(), f.path); err != nil {
		return err
	}
	if d, derr := os.Open(dir); derr == nil { // makes the rename durable where that exists
		_ = d.Sync()
		_ = d.Close()
	}
	return nil
}

func (f *file) get(_ context.Context, name string) ([]byte, error) {
	entries, err := f.load()
	if err != nil {
		return nil, err
	}
	v, ok := entries[name]
	if !ok {
		return nil, ErrNotFound
	}
	return v, nil
}

func (f *file) set(ctx context.Context, name string, value []byte) error {
	return f.change(ctx, func(entries map[string][]byte) error {
		entries[name] = value
		return nil
	})
}

func (f *file) delete(ctx context.Context, name string) error {
	return f.change(ctx, func(entries map[string][]byte) error {
		if _, ok := entries[name]; !ok {
			return ErrNotFound
		}
		delete(entries, name)
		return nil
	})
}

func (f *file) change(ctx context.Context, fn func(map[string][]byte) error) error {
	return f.exclusively(ctx, func() error {
		entries, err := f.load()
		if err != nil {
			return err
		}
		if err := fn(entries); err != nil {
			return err
		}
		return f.write(entries)
	})
}
