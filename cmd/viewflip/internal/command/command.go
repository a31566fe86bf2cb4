// Package command is what all commands of viewflip have in common: their
// surroundings, flags, sentences about errors, and output that ends with its
// reader.
package command

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// ErrUsage marks a wrong command line. What is wrong with it was printed already.
var ErrUsage = errors.New("wrong usage")

// World is everything of its surroundings that a command may touch.
type World struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) string
}

// Logger writes to stderr what VIEWFLIP_LOG asks for: warnings and errors, if it
// says nothing else.
func (w World) Logger() *slog.Logger {
	level := slog.LevelWarn
	if s := w.Getenv("VIEWFLIP_LOG"); s != "" {
		if err := level.UnmarshalText([]byte(s)); err != nil {
			_, _ = fmt.Fprintln(w.Stderr, "viewflip: VIEWFLIP_LOG is none of debug, info, warn, error: using warn")
		}
	}
	return slog.New(slog.NewTextHandler(w.Stderr, &slog.HandlerOptions{Level: level}))
}

// Flags makes the flag set of a command. It prints its usage to stderr; see Parse.
func Flags(w World, name string) *flag.FlagSet {
	fs := flag.NewFlagSet("viewflip "+name, flag.ContinueOnError)
	fs.SetOutput(w.Stderr)
	return fs
}

// Parse parses flags wherever they stand, behind arguments too, and returns the
// arguments. The error is ErrUsage.
func Parse(fs *flag.FlagSet, args []string) ([]string, error) {
	var rest []string
	for len(args) > 0 {
		if err := fs.Parse(args); err != nil {
			return nil, ErrUsage
		}
		args = fs.Args()
		if len(args) > 0 {
			rest = append(rest, args[0])
			args = args[1:]
		}
	}
	return rest, nil
}

// Verb takes the verb of a command that has several, otherwise if none is given.
// arguments says how many arguments each verb has. With another verb or number of
// arguments it prints usage, and the error is ErrUsage.
func Verb(w World, rest []string, usage, otherwise string, arguments map[string]int) (verb string, args []string, err error) {
	if len(rest) == 0 {
		rest = []string{otherwise}
	}
	if n, known := arguments[rest[0]]; !known || len(rest)-1 != n {
		_, _ = io.WriteString(w.Stderr, usage)
		return "", nil, ErrUsage
	}
	return rest[0], rest[1:], nil
}

// Plain is the text of an error without the names of packages: those help in logs,
// not people.
func Plain(err error) string {
	s := err.Error()
	for _, p := range []string{"session: ", "capture: ", "platform: ", "client: ", "wire: ", "rtc: ", "input: ", "keychain: ", "service: ", "xtest: ", "virtual: ", "x11: ", "ui: "} {
		s = strings.ReplaceAll(s, p, "")
	}
	return s
}

// Ask prints a question to stderr and reads one line from in, which reads w.Stdin.
func Ask(w World, in *bufio.Reader, prompt string) (string, error) {
	_, _ = fmt.Fprint(w.Stderr, prompt)
	s, err := in.ReadString('\n')
	if s = strings.TrimSpace(s); s == "" && err != nil {
		return "", errors.New("no answer was given")
	}
	return s, nil
}
