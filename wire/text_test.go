package wire

import (
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// What is not seen goes, and what only looks strange stays.
func TestCleanIsSeen(t *testing.T) {
	for in, want := range map[string]string{
		"Anna":                                "Anna",
		" An\tna\r\n":                         "An na",
		"An\x1b[31m\x00na\u0085":              "An[31mna",
		"An\u202ena\u2066\u200e\u061c":        "Anna",
		"An\u00adna\u180e\u2060\u2064":        "Anna", // soft hyphen, Mongolian vowel separator, word joiner, invisible plus
		"\u115f\u1160An\u3164na\uffa0":        "Anna", // Hangul fillers
		"Anna\U000e0001\U000e0041":            "Anna", // tags
		"An\u034fna\u17b4\u206a\ufff9":        "Anna",
		"An\u200dna\ufe0f\u180b\U000e0100":    "Anna", // where they do not belong
		"Anna\u2028\u2029\ufffe\uffff":        "Anna",
		"Anna\u00a0\u2003\u3000\u2800B\ufffc": "Anna    B",
		"A\u0308nne":                          "Änne",
		"A\u034f\u0308nne":                    "Änne",
		"An\xffna":                            "An\ufffdna",
		"👩‍💻 🏳️‍🌈 ❤️‍🔥 👩🏽‍🚒 🙂‍↔️ ☺︎": "👩‍💻 🏳️‍🌈 ❤️‍🔥 👩🏽‍🚒 🙂‍↔️ ☺︎",
		"1️⃣ 1️":        "1️⃣ 1",
		"葛\U000e0100":   "葛\U000e0100",
		"ක්\u200dය":     "ක්\u200dය", // Sinhala, after a virama
		"\u0600123":     "\u0600123", // a sign that is drawn around numbers
		"\u200d👩\u200d": "👩",
	} {
		if got := CleanTitle(in); got != want {
			t.Errorf("%+q became %+q, not %+q", in, got, want)
		}
	}
	// A cut takes what belonged to what is gone.
	long := strings.Repeat("x", MaxName-len("👩\u200d")) + "👩\u200d💻"
	if got := CleanName(long); got != strings.TrimSuffix(long, "\u200d💻") {
		t.Errorf("%+q", got)
	}
}

func TestBlankNames(t *testing.T) {
	for _, s := range []string{"", " ", "\u3164", "\u2800\u2800", "\u00ad", "\u200d", "\u0301", "\ue000", "\U000e0041", "\ufffc", "\ufe0f", "\u3000 \u115f"} {
		if got := CleanName(s); got != "" {
			t.Errorf("%+q is a name: %+q", s, got)
		}
		if _, err := ParseMessage(must(AppendMessage(nil, Hello{Version: 1, Name: s}))(t)); !errors.Is(err, ErrMalformed) {
			t.Errorf("a hello of %+q: %v", s, err)
		}
		if _, err := ParseMessage(must(AppendMessage(nil, GuestPoint{Share: 1, Name: s, On: true}))(t)); !errors.Is(err, ErrMalformed) {
			t.Errorf("a pointer of %+q: %v", s, err)
		}
		id, err := NewIdentity(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		d := id.Public()
		l := contactLink()
		for _, sig := range []Signal{
			Knock{Device: d, Name: s}, Admit{Name: s}, Admit{Name: "A", Members: []Member{{Device: d, Name: s}}}, Introduce{Member{Device: d, Name: s}},
			Ring{Device: d, Name: s, Link: Link{Service: l.Service, Invite: l.Invite, Inviter: l.Account, Secret: l.Secret}},
		} {
			if _, err := parseSignal(must(appendSignal(nil, sig))(t)); !errors.Is(err, ErrMalformed) {
				t.Errorf("%T of %+q: %v", sig, s, err)
			}
		}
	}
	for _, s := range []string{"A", "1", "?", "👩", "ب", "葛"} {
		if CleanName(s) != s {
			t.Errorf("%+q is no name", s)
		}
	}
}

func must(b []byte, err error) func(*testing.T) []byte {
	return func(t *testing.T) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
}

func TestSameLook(t *testing.T) {
	for _, p := range [][2]string{
		{"Anna", "Anna"}, {"Anna", "anna"}, {"Anna", "Аnnа"}, {"Anna", "An na"}, {"Anna", "Ａｎｎａ"}, {"Ivan", "lvan"}, {"Ivan", "1van"}, {"Bob", "Вob"},
		{"Änne", "А\u0308nne"}, {"Tom", "Torn"}, {"OLGA", "0lga"}, {"♥ Ben", "♥\ufe0f Ben"}, {"𝐁en", "Ben"}, {"Will", "WiII"}, {"ﬁona", "fiona"},
	} {
		if !SameLook(CleanName(p[0]), CleanName(p[1])) || !SameLook(CleanName(p[1]), CleanName(p[0])) {
			t.Errorf("%q and %q", p[0], p[1])
		}
	}
	for _, p := range [][2]string{{"Anna", "Änna"}, {"Anna", "Ann"}, {"Ben", "Beni"}, {"Анна", "Anna"}, {"Boris", "Борис"}} {
		if SameLook(p[0], p[1]) {
			t.Errorf("%q is taken for %q", p[0], p[1])
		}
	}
}

// FuzzClean: what was cleaned is short, is seen, and is clean.
func FuzzClean(f *testing.F) {
	for _, s := range []string{"Anna", "👩‍💻 🏳️‍🌈 1️⃣", "An\u202ena\u3164", "ක්\u200dය", "葛\U000e0100", "A\u034f\u0308", strings.Repeat("👩‍", 80), "\xff\u2800"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, limit := range []int{1, 7, MaxName, MaxTitle} {
			c := clean(s, limit)
			if len(c) > limit || !utf8.ValidString(c) || clean(c, limit) != c {
				t.Fatalf("%+q became %+q in %d bytes, and then %+q", s, c, limit, clean(c, limit))
			}
			for _, r := range c {
				if r != zwj && r != ' ' && !unicode.Is(unicode.Variation_Selector, r) && (unseen(r) || unicode.IsSpace(r)) {
					t.Fatalf("%+q is left of %+q", r, s)
				}
			}
			if !SameLook(c, c) || blank(c) && limit == MaxName && CleanName(s) != "" {
				t.Fatalf("%+q", c)
			}
		}
	})
}
