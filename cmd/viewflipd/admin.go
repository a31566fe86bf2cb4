package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"viewflip.app/service"
	"viewflip.app/service/accounts"
	"viewflip.app/service/store"
	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

const adminUsage = `  viewflipd backup DIR
        write a backup of the accounts, while the service runs or not: one more
        file of data, and a file of keys that replaces the one before. Keep of
        the keys no older copy: who was deleted could be read with it
  viewflipd restore DATA KEYS
        fill an empty database with a backup; the master key must be there first
  viewflipd rotate-keys [--index]
        replace the master key; with --index the one that finds e-mail addresses.
        The service must be stopped. Make a backup afterwards. Without a key file,
        the new key is in VIEWFLIP_NEW_MASTER_KEY
  viewflipd users export EMAIL
        print everything about a person's account as JSON
  viewflipd users invite EMAIL
        print the line with which a person can sign up within 14 days where
        --signup is invited; takes --advertise as serve does
  viewflipd users delete --yes EMAIL
        delete an account and everything about it
        All of these take --data, --db, --db-file and --master-key as serve does.
`

// keysFile is the newest keys of all backups in a directory.
const keysFile = "viewflip.keys"

// admin is a command on the database, beside the service or instead of it.
type admin struct {
	env
	data       string
	set        accountSettings
	yes, index bool
	advertise  string
	args       []string
}

// admin reads the command line of a command with so many arguments.
func (e env) admin(name string, args []string, n int, what string) (a admin, err error) {
	a.env = e
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&a.data, "data", e.dataDir(), "")
	db := e.concealed(f, "db", &a.set.db)
	f.StringVar(&a.set.masterKey, "master-key", "", "")
	switch name {
	case "users delete":
		f.BoolVar(&a.yes, "yes", false, "")
	case "users invite":
		f.StringVar(&a.advertise, "advertise", e.getenv("VIEWFLIP_ADVERTISE"), "")
	case "rotate-keys":
		f.BoolVar(&a.index, "index", false, "")
	}
	if err := f.Parse(args); err != nil {
		return a, e.misused("%v", err)
	}
	if a.args = f.Args(); len(a.args) != n {
		return a, e.misused("%s takes %s", name, what)
	}
	if a.data == "" {
		return a, e.misused("where is the data? say --data DIR")
	}
	return a, errors.Join(e.reveal(f, db), ownDir(a.data))
}

// keyFile is the file of the master key, or "" if it is in the environment.
func (a admin) keyFile() string {
	switch {
	case a.set.masterKey != "":
		return a.set.masterKey
	case a.getenv("VIEWFLIP_MASTER_KEY") != "":
		return ""
	default:
		return filepath.Join(a.data, "master.key")
	}
}

// options name the database, whose key must be there: these commands make none.
func (a admin) options() (o store.Options, err error) {
	if file := a.keyFile(); file != "" {
		if _, err := os.Stat(file); err != nil {
			return o, fmt.Errorf("there is no master key: %w", err)
		}
	}
	return a.set.options(a.env, a.data, slog.New(slog.DiscardHandler))
}

// with does something with the open database.
func (a admin) with(ctx context.Context, do func(*store.Store) error) error {
	o, err := a.options()
	if err != nil {
		return err
	}
	s, err := store.Open(ctx, o)
	if err != nil {
		return err
	}
	return errors.Join(do(s), s.Close())
}

func backup(ctx context.Context, e env, args []string) error {
	a, err := e.admin("backup", args, 1, "one directory")
	if err != nil {
		return err
	}
	return a.with(ctx, func(s *store.Store) error { return a.backup(ctx, s, a.args[0]) })
}

// backup writes both files and then gives them their names, the keys first:
// newer keys open older data, but not the other way round.
func (a admin) backup(ctx context.Context, s *store.Store, dir string) (err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("the backup: %w", err)
	}
	var files [2]*os.File
	for i := range files {
		f, err := os.CreateTemp(dir, ".part-*") // mode 0600
		if err != nil {
			return fmt.Errorf("the backup: %w", err)
		}
		defer func() { _ = f.Close(); _ = os.Remove(f.Name()) }() // nothing, once renamed
		files[i] = f
	}
	data, keys := files[0], files[1]
	if err := s.Backup(ctx, data, keys); err != nil {
		return err
	}
	name := filepath.Join(dir, "viewflip-"+time.Now().UTC().Format("20060102T150405.000Z")+".data")
	err = errors.Join(data.Sync(), keys.Sync(), data.Close(), keys.Close())
	if err == nil {
		err = os.Rename(keys.Name(), filepath.Join(dir, keysFile))
	}
	if err == nil {
		err = os.Rename(data.Name(), name)
	}
	if err != nil {
		return fmt.Errorf("the backup: %w", err)
	}
	_, err = fmt.Fprintf(a.stdout, "%s\n%s\n", name, filepath.Join(dir, keysFile))
	return err
}

func restore(ctx context.Context, e env, args []string) error {
	a, err := e.admin("restore", args, 2, "a file of data and one of keys")
	if err != nil {
		return err
	}
	o, err := a.options()
	if err != nil {
		return err
	}
	data, err := os.Open(a.args[0])
	if err != nil {
		return fmt.Errorf("the backup: %w", err)
	}
	defer func() { _ = data.Close() }() // it was only read
	keys, err := os.Open(a.args[1])
	if err != nil {
		return fmt.Errorf("the backup: %w", err)
	}
	defer func() { _ = keys.Close() }()
	return store.Restore(ctx, o, data, keys)
}

func rotateKeys(ctx context.Context, e env, args []string) error {
	a, err := e.admin("rotate-keys", args, 0, "no argument")
	if err != nil {
		return err
	}
	o, err := a.options()
	if err != nil {
		return err
	}
	if a.index {
		return store.Reindex(ctx, o)
	}
	file := a.keyFile()
	if file == "" {
		next, err := store.ParseMasterKey(e.getenv("VIEWFLIP_NEW_MASTER_KEY"))
		if err != nil {
			return fmt.Errorf("VIEWFLIP_NEW_MASTER_KEY: %w", err)
		}
		return store.Rekey(ctx, o, next)
	}
	next, err := store.MasterKeyFile(file + ".next") // that of a try before, if there is one
	if err != nil {
		return err
	}
	if err := store.Rekey(ctx, o, next); err != nil {
		return err
	}
	if err := os.Rename(file+".next", file); err != nil {
		return fmt.Errorf("the new key is in %s.next and could not take the place of %s: %w", file, file, err)
	}
	return nil
}

func users(ctx context.Context, e env, args []string) error {
	if len(args) == 0 || !slices.Contains([]string{"export", "invite", "delete"}, args[0]) {
		return e.misused("users takes invite, export or delete")
	}
	a, err := e.admin("users "+args[0], args[1:], 1, "one e-mail address")
	if err != nil {
		return err
	}
	if args[0] == "delete" && !a.yes {
		return e.misused("nothing brings a deleted account back: say --yes")
	}
	var email account.Email
	if err := email.UnmarshalText([]byte(a.args[0])); err != nil {
		return e.misused("that is no e-mail address")
	}
	if args[0] == "invite" {
		return a.invite(ctx, email)
	}
	return a.with(ctx, func(s *store.Store) error {
		who, err := s.AccountByEmail(ctx, email)
		if errors.Is(err, store.ErrNotFound) {
			return errors.New("nobody has an account with this address")
		}
		if err != nil {
			return err
		}
		if args[0] == "delete" {
			_, err := s.Erase(ctx, who)
			return err
		}
		b, err := s.Export(ctx, who)
		if err != nil {
			return err
		}
		_, err = e.stdout.Write(append(b, '\n'))
		return err
	})
}

// inviteLife is how long the line of users invite is good for.
const inviteLife = 14 * 24 * time.Hour

// invite prints the line by which one address can sign up. Nothing is kept.
func (a admin) invite(ctx context.Context, email account.Email) error {
	addrs, err := a.addresses(a.advertise)
	if err != nil {
		return err
	}
	if len(addrs) == 0 {
		return a.misused("under which address do clients reach the service? say --advertise HOST:PORT, as for serve")
	}
	cert, err := service.LoadCertificate(a.data)
	if err != nil {
		return err
	}
	pin, err := service.Pin(cert)
	if err != nil {
		return err
	}
	return a.with(ctx, func(s *store.Store) error {
		pass := accounts.SignUpPass(s, email, time.Now().Add(inviteLife))
		_, err := fmt.Fprintln(a.stdout, account.SignUpLine(wire.Service{Addrs: addrs, Pin: pin}, pass))
		return err
	})
}

// dataDir is the data directory where no flag names one; "" if there is none.
func (e env) dataDir() string {
	for _, name := range []string{"VIEWFLIP_DATA", "STATE_DIRECTORY"} {
		if v := e.getenv(name); v != "" {
			return v
		}
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "viewflipd")
}
