package session

import (
	"bytes"
	"crypto/subtle"
	"fmt"

	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

// maxPhrases is how often a member may have a phrase agreed on in one
// connection: each time is one guess for whoever sits between.
const maxPhrases = 16

// phrase is how far two members are with a phrase. Guarded by call.mu.
type phrase struct {
	began    bool     // we sent a commitment that waits for its answer
	mine     [32]byte // our nonce
	answered bool     // we answered a commitment, which waits to be opened
	theirs   wire.PhraseCommit
	count    int
	agreed   Phrase
}

// Phrase is the words that both people must read the same; empty if there are
// none.
type Phrase [account.PhraseWords]string

// Compare agrees with a member on a phrase, which appears in State of both:
// people who read the same words to each other know that nobody sits between
// them. Only they can tell.
func (c *Call) Compare(id MemberID) error {
	c.mu.Lock()
	m := c.members[id]
	if m == nil || m.link == Connecting {
		c.mu.Unlock()
		return fmt.Errorf("%w", ErrUnknown)
	}
	m.phrase = phrase{began: true, mine: random32(), count: m.phrase.count}
	commit := wire.PhraseCommit{Commitment: account.PhraseCommitment(m.phrase.mine)}
	c.mu.Unlock()
	m.send(commit)
	c.changed()
	return nil
}

// compare acts on a message about the phrase. What does not fit is dropped.
func (m *member) compare(msg wire.Message) {
	c := m.call
	me := account.PhraseSide{Device: c.cfg.Identity.Public().Address(), Account: c.cfg.Account}
	c.mu.Lock()
	they := account.PhraseSide{Device: m.id, Account: m.contact.Account}
	if !m.contact.known() {
		me.Account = account.Public{} // they know no key of ours either
	}
	p := &m.phrase
	var answer wire.Message
	switch msg := msg.(type) {
	case wire.PhraseCommit:
		if p.count >= maxPhrases || p.began && bytes.Compare(me.Device[:], they.Device[:]) < 0 {
			break // ours came first, and is answered
		}
		*p = phrase{answered: true, mine: random32(), theirs: msg, count: p.count + 1}
		answer = wire.PhraseNonce{Nonce: p.mine}
	case wire.PhraseNonce:
		if !p.began {
			break
		}
		p.began, p.agreed = false, account.Phrase(me, they, p.mine, msg.Nonce)
		answer = wire.PhraseReveal{Nonce: p.mine}
	case wire.PhraseReveal:
		if !p.answered {
			break
		}
		p.answered = false
		commitment := account.PhraseCommitment(msg.Nonce)
		if subtle.ConstantTimeCompare(commitment[:], p.theirs.Commitment[:]) == 1 {
			p.agreed = account.Phrase(they, me, msg.Nonce, p.mine)
		}
	}
	c.mu.Unlock()
	if answer != nil {
		m.send(answer)
	}
	c.changed()
}
