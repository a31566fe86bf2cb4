-- One text for SQLite and PostgreSQL. Identifiers are 16 random bytes, *_enc is
-- sealed, *_day counts days since 1970-01-01 UTC, other times are Unix seconds.
-- +goose Up
CREATE TABLE keyring (
	id BIGINT PRIMARY KEY,
	sealed BYTEA NOT NULL
);
CREATE TABLE account (
	id BYTEA PRIMARY KEY,
	email_enc BYTEA NOT NULL,
	email_idx BYTEA NOT NULL UNIQUE,
	idx_ver BIGINT NOT NULL,
	name_enc BYTEA NOT NULL,
	findable BOOLEAN NOT NULL,
	findable_day BIGINT NOT NULL,
	public_key BYTEA NOT NULL UNIQUE,
	created_day BIGINT NOT NULL
);
CREATE TABLE datakey (
	account BYTEA PRIMARY KEY REFERENCES account(id) ON DELETE CASCADE,
	dek_enc BYTEA NOT NULL
);
CREATE TABLE device (
	id BYTEA PRIMARY KEY,
	account BYTEA NOT NULL REFERENCES account(id) ON DELETE CASCADE,
	kind TEXT NOT NULL,
	algo TEXT NOT NULL,
	salt BYTEA NOT NULL,
	verifier_enc BYTEA NOT NULL,
	public_keys BYTEA NOT NULL,
	label_enc BYTEA NOT NULL,
	last_day BIGINT NOT NULL,
	revoked BOOLEAN NOT NULL
);
CREATE INDEX device_account ON device(account);
CREATE TABLE devices (
	account BYTEA NOT NULL REFERENCES account(id) ON DELETE CASCADE,
	version BIGINT NOT NULL,
	list BYTEA NOT NULL,
	PRIMARY KEY (account, version)
);
CREATE TABLE session (
	id BYTEA PRIMARY KEY,
	device BYTEA NOT NULL REFERENCES device(id) ON DELETE CASCADE,
	gen BIGINT NOT NULL,
	seq BIGINT NOT NULL,
	chain_enc BYTEA NOT NULL,
	prev_rid BYTEA NOT NULL,
	prev_nonce_enc BYTEA NOT NULL,
	confirmed BOOLEAN NOT NULL,
	ended BOOLEAN NOT NULL,
	made BIGINT NOT NULL,
	expires BIGINT NOT NULL
);
CREATE INDEX session_device ON session(device);
CREATE INDEX session_expires ON session(expires);
CREATE TABLE attempt (
	id BYTEA PRIMARY KEY,
	state_enc BYTEA NOT NULL,
	expires BIGINT NOT NULL
);
CREATE TABLE ticket (
	id BYTEA PRIMARY KEY,
	purpose TEXT NOT NULL,
	payload_enc BYTEA NOT NULL,
	code_hmac BYTEA NOT NULL,
	tries BIGINT NOT NULL,
	expires BIGINT NOT NULL
);
CREATE TABLE link (
	slot TEXT PRIMARY KEY,
	ticket BYTEA NOT NULL,
	expires BIGINT NOT NULL
);
CREATE TABLE link_message (
	slot TEXT NOT NULL REFERENCES link(slot) ON DELETE CASCADE,
	seq BIGINT NOT NULL,
	message BYTEA NOT NULL,
	PRIMARY KEY (slot, seq)
);
CREATE TABLE contact (
	owner BYTEA NOT NULL REFERENCES account(id) ON DELETE CASCADE,
	peer BYTEA NOT NULL REFERENCES account(id) ON DELETE CASCADE,
	handle BYTEA NOT NULL UNIQUE,
	state TEXT NOT NULL,
	proof_enc BYTEA NOT NULL,
	created_day BIGINT NOT NULL,
	PRIMARY KEY (owner, peer)
);
CREATE INDEX contact_peer ON contact(peer);
CREATE TABLE ask (
	handle BYTEA PRIMARY KEY,
	sender BYTEA NOT NULL REFERENCES account(id) ON DELETE CASCADE,
	target_idx BYTEA NOT NULL,
	expires BIGINT NOT NULL,
	UNIQUE (sender, target_idx)
);
CREATE INDEX ask_target ON ask(target_idx);
CREATE TABLE invite (
	id_hash BYTEA PRIMARY KEY,
	owner BYTEA NOT NULL REFERENCES account(id) ON DELETE CASCADE,
	expires BIGINT NOT NULL
);
CREATE INDEX invite_owner ON invite(owner);
CREATE TABLE vault (
	account BYTEA PRIMARY KEY REFERENCES account(id) ON DELETE CASCADE,
	version BIGINT NOT NULL,
	vault_enc BYTEA NOT NULL
);
CREATE TABLE recovery (
	account BYTEA PRIMARY KEY REFERENCES account(id) ON DELETE CASCADE,
	device BYTEA NOT NULL REFERENCES device(id) ON DELETE CASCADE,
	sealed_enc BYTEA NOT NULL
);
CREATE TABLE quota (
	k BYTEA NOT NULL,
	win BIGINT NOT NULL,
	n BIGINT NOT NULL,
	expires BIGINT NOT NULL,
	PRIMARY KEY (k, win)
);
CREATE TABLE idem (
	session BYTEA NOT NULL REFERENCES session(id) ON DELETE CASCADE,
	idem_key BYTEA NOT NULL,
	answer_enc BYTEA NOT NULL,
	expires BIGINT NOT NULL,
	PRIMARY KEY (session, idem_key)
);
CREATE TABLE audit (
	id BYTEA PRIMARY KEY,
	account BYTEA NOT NULL REFERENCES account(id) ON DELETE CASCADE,
	event TEXT NOT NULL,
	day BIGINT NOT NULL,
	detail_enc BYTEA NOT NULL
);
CREATE INDEX audit_account ON audit(account);
