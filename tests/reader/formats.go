package main

import (
	"bytes"
	"crypto/hmac"
)

type out = map[string]any

// kinds says how a vector of each kind is read; tests/vectors/README.md has the same table in words.
var kinds = map[string]func(*Vector, []byte) (out, error){
	"routing": func(_ *Vector, data []byte) (out, error) {
		fields, err := decodeAvro("routing", data)
		return out{"fields": fields}, err
	},
	"message": runMessage,
	"content": runContent,
	"opener":  runOpener,
	"record":  runRecord,
	"up":      runUp,
	"down":    runDown,
	"stamped": runStamped,
	"audit":   runAudit,
	"rules":   runRules,
	"letter":  runLetter,
}

// Proof is a place in a signed tree.
type Proof struct {
	kid, sig []byte
	n, i     uint64
	path     [][]byte
}

func (in *input) proof(width int) (Proof, error) {
	var proof Proof
	var err error
	if proof.kid, err = in.take(32); err != nil {
		return proof, err
	}
	if proof.sig, err = in.take(64); err != nil {
		return proof, err
	}
	if proof.n, err = in.uint(width); err != nil {
		return proof, err
	}
	if proof.i, err = in.uint(width); err != nil {
		return proof, err
	}
	steps, err := in.uint(1)
	if err != nil {
		return proof, err
	}
	path, err := in.take(int(steps) * 32)
	proof.path = hashes(path)
	return proof, err
}

func hashes(path []byte) [][]byte {
	var made [][]byte
	for ; len(path) >= 32; path = path[32:] {
		made = append(made, path[:32])
	}
	return made
}

// Message is MESSAGE of the page.
type Message struct {
	routing, content []byte
	Proof
}

func decodeMessage(data []byte) (*Message, error) {
	in, made := &input{data}, &Message{}
	var err error
	if err = in.version(1); err != nil {
		return nil, err
	}
	if made.routing, err = in.lp(4); err != nil {
		return nil, err
	}
	if made.content, err = in.lp(4); err != nil {
		return nil, err
	}
	if made.Proof, err = in.proof(2); err != nil {
		return nil, err
	}
	return made, in.end()
}

// verify checks the batch signature and gives the message's leaf.
func (m *Message) verify(key *Signer) ([]byte, error) {
	if !bytes.Equal(m.kid, key.kid) {
		return nil, trust("signed with another key")
	}
	if m.n > 64 {
		return nil, trust("a batch of more than 64")
	}
	leaf := sum([]byte{0}, key.realm.D("message"), sum(m.routing), sum(m.content))
	root, err := rootFromPath(leaf, m.n, m.i, m.path)
	if err != nil {
		return nil, err
	}
	return leaf, key.verifyRoot("batch", uint32(m.n), root, m.sig)
}

// Stamped is STAMPED of the page.
type Stamped struct {
	record, salt []byte
	Proof
}

func (in *input) stamped() (*Stamped, error) {
	made := &Stamped{}
	var err error
	if err = in.version(1); err != nil {
		return nil, err
	}
	if made.record, err = in.lp(4); err != nil {
		return nil, err
	}
	if made.salt, err = in.take(32); err != nil {
		return nil, err
	}
	made.Proof, err = in.proof(4)
	return made, err
}

func decodeStamped(data []byte) (*Stamped, error) {
	in := &input{data}
	made, err := in.stamped()
	if err != nil {
		return nil, err
	}
	return made, in.end()
}

func entryOf(realm Realm, salt, record []byte) []byte { return sum(realm.D("entry"), salt, record) }

func (p *Proof) verifyEntry(key *Signer, entry []byte) error {
	if !bytes.Equal(p.kid, key.kid) {
		return trust("stamped with another key")
	}
	root, err := rootFromPath(sum([]byte{0}, key.realm.D("stamped"), entry), p.n, p.i, p.path)
	if err != nil {
		return err
	}
	return key.verifyRoot("stamp", uint32(p.n), root, p.sig)
}

// verify decodes the record and checks the gate's signature over it.
func (s *Stamped) verify(key *Signer) (fields Fields, entry []byte, err error) {
	if fields, err = decodeAvro("stamp", s.record); err != nil {
		return nil, nil, err
	}
	entry = entryOf(key.realm, s.salt, s.record)
	return fields, entry, s.verifyEntry(key, entry)
}

func openContent(key *Opener, routing, sealed, promise []byte) ([]byte, error) {
	plain, err := key.open("content", append(bytes.Clone(key.kid), sum(routing)...), sealed)
	if err != nil {
		return nil, err
	}
	if !hmac.Equal(sum(key.realm.D("plain"), plain), promise) {
		return nil, trust("not what the label commits to")
	}
	in := &input{plain}
	if _, err := in.take(32); err != nil {
		return nil, err
	}
	content, err := in.lp(4)
	if err != nil {
		return nil, err
	}
	class := 2048
	for class < 36+len(content) {
		class *= 4
	}
	if len(plain) != class || !zeros(in.rest) {
		return nil, format("padding that is not its class's zeros")
	}
	return content, nil
}

func zeros(data []byte) bool { return len(bytes.Trim(data, "\x00")) == 0 }

const hour = 3_600_000

// openOpener checks an opener and gives its fields and the lane's key.
func openOpener(data []byte, from *Signer, to *Opener) (Fields, []byte, error) {
	in := &input{data}
	o, err := in.lp(2)
	if err != nil {
		return nil, nil, err
	}
	kem, err := in.lp(2)
	if err != nil {
		return nil, nil, err
	}
	sig, err := in.take(64)
	if err != nil {
		return nil, nil, err
	}
	if err := in.end(); err != nil {
		return nil, nil, err
	}
	fields, err := decodeAvro("opener", o)
	if err != nil {
		return nil, nil, err
	}
	life := fields.number("not_after") - fields.number("not_before")
	switch {
	case fields.number("suite") != suite:
		return nil, nil, format("another suite")
	case !bytes.Equal(fields.bytes("realm"), to.realm[:4]):
		return nil, nil, trust("another realm")
	case !bytes.Equal(fields.bytes("from_kid"), from.kid) || !bytes.Equal(fields.bytes("to_kid"), to.kid):
		return nil, nil, trust("the opener names another key")
	case life <= 0 || life > hour:
		return nil, nil, trust("an opener's life")
	}
	if err := from.verify("opener", append(bytes.Clone(o), kem...), sig); err != nil {
		return nil, nil, err
	}
	secret, err := to.open("opener", o, kem)
	if err != nil {
		return nil, nil, err
	}
	if len(secret) != 32 {
		return nil, nil, format("a secret of another length")
	}
	return fields, derive(secret, append(to.realm.D("lane"), sum(data)...)), nil
}

// openRecord gives the hop in a record.
func openRecord(data []byte, from *Signer, to *Opener, topic string, partition uint32) ([]byte, error) {
	record, err := decodeFramed("record", data)
	if err != nil {
		return nil, err
	}
	opener := record.bytes("opener")
	_, key, err := openOpener(opener, from, to)
	if err != nil {
		return nil, err
	}
	aad := bytes.Join([][]byte{to.realm.D("lane"), sum(opener), []byte(topic), u32(partition)}, nil)
	padded, err := gcm(key).Open(nil, record.bytes("nonce"), record.bytes("ct"), aad)
	if err != nil {
		return nil, trust("altered or moved")
	}
	in := &input{padded}
	hop, err := in.lp(4)
	if err == nil && !zeros(in.rest) {
		err = format("padding that is not zero")
	}
	return hop, err
}

// decodeDown reads a downward hop with the stamps and the message in it.
func decodeDown(data []byte) (Fields, []*Stamped, *Message, error) {
	in, fields := &input{data}, Fields{}
	if err := in.version(2); err != nil {
		return nil, nil, nil, err
	}
	for _, read := range []struct {
		name string
		get  func() (any, error)
	}{
		{"partition", func() (any, error) { return in.uint(4) }},
		{"box_seq", func() (any, error) { return in.uint(8) }},
		{"trace", func() (any, error) { return in.lp(2) }},
		{"stamped", func() (any, error) { return in.lp(4) }},
		{"message", func() (any, error) { return in.lp(4) }},
		{"instance", func() (any, error) { return in.take(16) }},
		{"ack", func() (any, error) { return in.uint(8) }},
	} {
		value, err := read.get()
		if err != nil {
			return nil, nil, nil, err
		}
		fields[read.name] = value
	}
	if err := in.end(); err != nil {
		return nil, nil, nil, err
	}
	stamped, message := fields.bytes("stamped"), fields.bytes("message")
	if len(message) > 0 {
		if len(stamped) == 0 {
			return nil, nil, nil, trust("a message without a stamp")
		}
		stamp, err := decodeStamped(stamped)
		if err != nil {
			return nil, nil, nil, err
		}
		made, err := decodeMessage(message)
		return fields, []*Stamped{stamp}, made, err
	}
	var stamps []*Stamped
	for in := (&input{stamped}); len(in.rest) > 0; {
		stamp, err := in.stamped()
		if err != nil {
			return nil, nil, nil, err
		}
		stamps = append(stamps, stamp)
	}
	return fields, stamps, nil, nil
}

// openHub opens what the hub sealed for itself and gives name and data.
func openHub(store []byte, topic string, key, value []byte) (name, data []byte, err error) {
	hub, err := decodeFramed("hub", value)
	if err != nil {
		return nil, nil, err
	}
	aead := gcm(mac(store, "v", hub.bytes("salt")))
	plain, err := aead.Open(nil, hub.bytes("nonce"), hub.bytes("ct"), append([]byte(topic), key...))
	if err != nil {
		return nil, nil, trust("a hub record that does not open")
	}
	in := &input{plain}
	name, err = in.lp(2)
	return name, in.rest, err
}
