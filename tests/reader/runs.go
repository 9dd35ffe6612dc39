package main

import "bytes"

func (v *Vector) signer(key, purpose string) *Signer {
	return signer(v.bytes("realm"), purpose, v.bytes(key))
}

func (v *Vector) opener(key, purpose string) *Opener {
	return opener(v.bytes("realm"), purpose, v.bytes(key))
}

// lane gives the keys that an opener is checked and opened with.
func (v *Vector) lane() (*Signer, *Opener) {
	return v.signer("sign", v.or("sign_as", "party-sign")), v.opener("open", v.or("open_as", "gate-hop"))
}

func runMessage(v *Vector, data []byte) (out, error) {
	message, err := decodeMessage(data)
	if err != nil {
		return nil, err
	}
	leaf, err := message.verify(v.signer("sign", "party-sign"))
	return out{"leaf": leaf}, err
}

func runContent(v *Vector, data []byte) (out, error) {
	content, err := openContent(v.opener("open", "unit-content"), v.bytes("routing"), data, v.bytes("plain_commit"))
	return out{"content": content}, err
}

func runOpener(v *Vector, data []byte) (out, error) {
	from, to := v.lane()
	fields, _, err := openOpener(data, from, to)
	return out{"fields": fields}, err
}

func runRecord(v *Vector, data []byte) (out, error) {
	from, to := v.lane()
	hop, err := openRecord(data, from, to, v.keys["topic"], uint32(v.number("partition")))
	return out{"hop": hop}, err
}

func runUp(_ *Vector, data []byte) (out, error) {
	in := &input{data}
	if err := in.version(1); err != nil {
		return nil, err
	}
	seq, err := in.uint(8)
	if err != nil {
		return nil, err
	}
	trace, err := in.lp(2)
	if err != nil {
		return nil, err
	}
	_, err = decodeMessage(in.rest)
	return out{"fields": Fields{"seq": seq, "trace": trace, "message": in.rest}}, err
}

func runDown(_ *Vector, data []byte) (out, error) {
	fields, _, _, err := decodeDown(data)
	return out{"fields": fields}, err
}

func runStamped(v *Vector, data []byte) (out, error) {
	stamped, err := decodeStamped(data)
	if err != nil {
		return nil, err
	}
	fields, entry, err := stamped.verify(v.signer("stamp", "gate-stamp"))
	return out{"fields": fields, "entry": entry}, err
}

const auditTopic = "samband.audit.v1"

func runAudit(v *Vector, data []byte) (out, error) {
	fields, err := decodeFramed("audit", data)
	if err != nil {
		return nil, err
	}
	n, i, path := fields.number("n"), fields.number("i"), fields.bytes("path")
	if len(path)%32 != 0 || n < 0 || i < 0 || n >= 1<<32 || i >= 1<<32 {
		return nil, format("no place in a tree")
	}
	key, entry := v.signer("stamp", "gate-stamp"), fields.bytes("entry")
	proof := Proof{fields.bytes("kid"), fields.bytes("sig"), uint64(n), uint64(i), hashes(path)}
	if err := proof.verifyEntry(key, entry); err != nil {
		return nil, err
	}
	store := v.bytes("store")
	name, plain, err := openHub(store, auditTopic, mac(store, "k", entry), fields.bytes("sealed"))
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(name, entry) {
		return nil, trust("named by another entry")
	}
	in := &input{plain}
	salt, err := in.take(32)
	if err != nil {
		return nil, err
	}
	record, err := in.lp(2)
	if err != nil {
		return nil, err
	}
	if len(plain) != max(1536, 34+len(record)) || !zeros(in.rest) {
		return nil, format("padding that is not its class's zeros")
	}
	if !bytes.Equal(entryOf(key.realm, salt, record), entry) {
		return nil, trust("the record of another entry")
	}
	if _, err := decodeAvro("stamp", record); err != nil {
		return nil, err
	}
	delete(fields, "sealed")
	return out{"fields": fields, "entry": entry, "record": record}, nil
}

func runRules(v *Vector, data []byte) (out, error) {
	fields, err := decodeFramed("rules", data)
	if err != nil {
		return nil, err
	}
	if err := v.verifyRoots("rules", fields.bytes("rules"), fields["sigs"].([]any)); err != nil {
		return nil, err
	}
	rules, err := decodeAvro("agreement_rules", fields.bytes("rules"))
	return out{"fields": rules}, err
}

// verifyRoots checks that enough of the authority's keys signed, sorted by kid and each once.
func (v *Vector) verifyRoots(label string, data []byte, sigs []any) error {
	roots := map[string]*Signer{}
	for publics := v.bytes("roots"); len(publics) > 0; publics = publics[32:] {
		key := signer(v.bytes("realm"), "root", publics[:32])
		roots[string(key.kid)] = key
	}
	var last []byte
	for _, each := range sigs {
		kid, sig := each.([]byte)[:32], each.([]byte)[32:]
		root, known := roots[string(kid)]
		if !known || bytes.Compare(kid, last) <= 0 {
			return trust("signed by another root, or out of order")
		}
		if err := root.verify(label, data, sig); err != nil {
			return err
		}
		last = kid
	}
	if len(sigs) < v.number("threshold") {
		return trust("too few of the authority's signatures")
	}
	return nil
}

// runLetter reads a record of an inbox to the end: lane, stamp, sender's signature, seal, commitment.
func runLetter(v *Vector, data []byte) (out, error) {
	stamp := v.signer("stamp", "gate-stamp")
	hop, err := openRecord(data, stamp, v.opener("open", "party-hop"), v.keys["topic"], uint32(v.number("partition")))
	if err != nil {
		return nil, err
	}
	_, stamps, message, err := decodeDown(hop)
	if err != nil {
		return nil, err
	}
	if message == nil {
		return nil, format("there is no message to open")
	}
	record, entry, err := stamps[0].verify(stamp)
	if err != nil {
		return nil, err
	}
	leaf, err := message.verify(v.signer("sign", "party-sign"))
	if err != nil {
		return nil, err
	}
	label, err := decodeAvro("routing", message.routing)
	if err != nil {
		return nil, err
	}
	unit := v.opener("unit", "unit-content")
	switch {
	case record.text("outcome") != "permit" || record["ask"].(bool):
		return nil, trust("not permitted")
	case !bytes.Equal(record.bytes("leaf"), leaf) || !bytes.Equal(record.bytes("message_id"), label.bytes("message_id")):
		return nil, trust("the stamp is for another message")
	case record.text("sender") != label.text("sender") || record.text("recipient") != label.text("recipient"):
		return nil, trust("the stamp is between others")
	case !bytes.Equal(label.bytes("recipient_kid"), unit.kid):
		return nil, trust("sealed to another key")
	}
	content, err := openContent(unit, message.routing, message.content, label.bytes("plain_commit"))
	return out{"content": content, "entry": entry, "leaf": leaf, "fields": label}, err
}
