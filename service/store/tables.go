package store

// kind is what a column holds and how an export shows it.
type kind int

const (
	hidden   kind = iota // not exported; why says the reason
	asID                 // 16 bytes, shown in base32
	asBytes              // bytes, shown in base64url
	asText               // text
	asNumber             // integer
	asDate               // days since 1970-01-01, shown as a date
	asTime               // Unix seconds, shown as RFC 3339
	asFlag               // boolean
)

// under is the key that a column is sealed with.
type under int

const (
	inClear under = iota
	byOwner       // the data key of the account
	byRing        // the keyring
)

// column is a rule for one column. An account column names an account: rows of
// erased accounts are not restored.
type column struct {
	name    string
	shows   kind
	sealed  under
	account bool
	why     string
}

// carried is what carries a table in a backup.
type carried int

const (
	notKept carried = iota // short-lived
	inData
	inKeys
)

// table is the rule for one table.
type table struct {
	name    string
	columns []column
	// row are the columns that name a row in the associated data of seals.
	row []string
	// export selects what belongs to account $1; empty with a reason in why.
	export, why string
	// erase deletes what belongs to account $1 where no foreign key does, and
	// to the e-mail hashes $2 and $3. Cascade says that a foreign key does.
	erase   string
	cascade bool
	// expire deletes what is over at second $1 and day $2; life says it in words.
	expire, life string
	backup       carried
}

const (
	internal  = "an identifier inside the service, which says nothing about the person"
	secret    = "a secret of the login, worthless to the person and dangerous on a disk"
	unlinked  = "belongs to no account"
	withOwner = "as long as the account"
)

func showID(n string) column               { return column{name: n, shows: asID} }
func hide(n, why string) column            { return column{name: n, why: why} }
func ofAccount(n string) column            { return column{name: n, account: true, why: internal} }
func show(n string, k kind) column         { return column{name: n, shows: k} }
func showSealed(n string, k kind) column   { return column{name: n, shows: k, sealed: byOwner} }
func hideRinged(n, why string) column      { return column{name: n, sealed: byRing, why: why} }
func hideSealed(n string, w string) column { return column{name: n, sealed: byOwner, why: w} }

// tables are the rules for every table, in the order in which foreign keys
// allow to fill them. A test holds them against the real schema.
func tables() []table { //nolint:funlen // a table of tables: one row each, read from top to bottom
	return []table{
		{
			name: "keyring", columns: []column{hide("id", unlinked), hide("sealed", unlinked)},
			why: "keys of the service", life: "until keys are rotated", backup: inKeys,
		},
		{
			name: "account", row: []string{"id"}, export: "id = $1", erase: "DELETE FROM account WHERE id = $1", life: withOwner, backup: inData,
			columns: []column{
				ofAccount("id"), showSealed("email_enc", asText), hide("email_idx", "a keyed hash of email"), hide("idx_ver", internal),
				showSealed("name_enc", asText), show("findable", asFlag), show("findable_day", asDate), show("public_key", asBytes), show("created_day", asDate),
			},
		},
		{
			name: "datakey", row: []string{"account"}, columns: []column{ofAccount("account"), hideRinged("dek_enc", "the key of the account's sealed columns")},
			why: "shows nothing about the person", cascade: true, life: withOwner, backup: inKeys,
		},
		{
			name: "device", row: []string{"id"}, export: "account = $1", cascade: true, backup: inData,
			expire: "revoked AND last_day < $2 - 90", life: withOwner + "; 90 days after a revoked one was last used",
			columns: []column{
				showID("id"), ofAccount("account"), show("kind", asText), show("algo", asText), hide("salt", secret), hideSealed("verifier_enc", secret),
				show("public_keys", asBytes), showSealed("label_enc", asText), show("last_day", asDate), show("revoked", asFlag),
			},
		},
		{
			name: "devices", export: "account = $1", cascade: true, life: withOwner, backup: inData,
			columns: []column{ofAccount("account"), show("version", asNumber), show("list", asBytes)},
		},
		{
			name: "session", row: []string{"id"}, export: "device IN (SELECT id FROM device WHERE account = $1)", cascade: true,
			expire: "expires <= $1", life: "24 hours",
			columns: []column{
				showID("id"), showID("device"), show("gen", asNumber), show("seq", asNumber), hideRinged("chain_enc", secret), hide("prev_rid", secret),
				hideRinged("prev_nonce_enc", secret), show("confirmed", asFlag), show("ended", asFlag), show("made", asTime), show("expires", asTime),
			},
		},
		{
			name: "attempt", row: []string{"id"}, why: unlinked, expire: "expires <= $1", life: "1 minute",
			columns: []column{hide("id", unlinked), hideRinged("state_enc", secret), hide("expires", unlinked)},
		},
		{
			name: "ticket", row: []string{"id"}, why: unlinked, expire: "expires <= $1", life: "10 minutes",
			columns: []column{
				hide("id", unlinked), hide("purpose", unlinked), hideRinged("payload_enc", unlinked), hide("code_hmac", secret),
				hide("tries", unlinked), hide("expires", unlinked),
			},
		},
		{
			name: "link", why: unlinked, expire: "expires <= $1", life: "2 minutes",
			columns: []column{hide("slot", unlinked), hide("ticket", unlinked), hide("expires", unlinked)},
		},
		{
			name: "link_message", why: unlinked + "; sealed by the two devices", life: "2 minutes, with its link",
			columns: []column{hide("slot", unlinked), hide("seq", unlinked), hide("message", unlinked)},
		},
		{
			name: "contact", row: []string{"handle"}, export: "owner = $1", cascade: true, life: withOwner, backup: inData,
			columns: []column{
				ofAccount("owner"), {name: "peer", account: true, why: "names somebody else"}, showID("handle"), show("state", asText),
				showSealed("proof_enc", asBytes), show("created_day", asDate),
			},
		},
		{
			name: "ask", export: "sender = $1", erase: "DELETE FROM ask WHERE sender = $1 OR target_idx IN ($2, $3)", cascade: true,
			expire: "expires <= $1", life: "14 days", backup: inData,
			columns: []column{hide("handle", "names somebody else's view"), ofAccount("sender"), hide("target_idx", "a keyed hash of somebody else's address"), show("expires", asTime),
				hide("declined", "nobody learns from an ask whether somebody saw it")},
		},
		{
			name: "invite", export: "owner = $1", cascade: true, expire: "expires <= $1", life: "14 days", backup: inData,
			columns: []column{show("id_hash", asBytes), ofAccount("owner"), show("expires", asTime)},
		},
		{
			name: "vault", row: []string{"account"}, export: "account = $1", cascade: true, life: withOwner, backup: inData,
			columns: []column{ofAccount("account"), show("version", asNumber), showSealed("vault_enc", asBytes)},
		},
		{
			name: "recovery", row: []string{"account"}, export: "account = $1", cascade: true, life: withOwner, backup: inData,
			columns: []column{ofAccount("account"), showID("device"), showSealed("sealed_enc", asBytes)},
		},
		{
			name: "quota", why: "counters under keyed hashes; " + unlinked, expire: "expires <= $1", life: "until its window ends",
			columns: []column{hide("k", unlinked), hide("win", unlinked), hide("n", unlinked), hide("expires", unlinked)},
		},
		{
			name: "idem", row: []string{"session", "idem_key"}, cascade: true, expire: "expires <= $1", life: "10 minutes",
			export:  "session IN (SELECT s.id FROM session s JOIN device d ON d.id = s.device WHERE d.account = $1)",
			columns: []column{showID("session"), showID("idem_key"), {name: "answer_enc", shows: asBytes, sealed: byRing}, show("expires", asTime)},
		},
		{
			name: "audit", row: []string{"id"}, export: "account = $1", cascade: true, expire: "day < $2 - 90", life: "90 days", backup: inData,
			columns: []column{hide("id", internal), ofAccount("account"), show("event", asText), show("day", asDate), showSealed("detail_enc", asText)},
		},
	}
}
