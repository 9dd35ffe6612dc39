package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The two classes of refusal.
var (
	errFormat = errors.New("format")
	errTrust  = errors.New("trust")
)

func format(what string) error { return fmt.Errorf("%w: %s", errFormat, what) }
func trust(what string) error  { return fmt.Errorf("%w: %s", errTrust, what) }

// Fields are a record's, by name: int64, bool, string, []byte, []any or nil.
type Fields map[string]any

func (f Fields) bytes(key string) []byte { return f[key].([]byte) }
func (f Fields) number(key string) int64 { return f[key].(int64) }
func (f Fields) text(key string) string  { return f[key].(string) }

// Records as the page writes them: docs/wire-format.md, Layout.
var records = map[string]string{
	"routing": `v number · salt 16 · agreement text ≤ 14 · message_id 16 · conversation 16 · ref_to 16? · ask boolean ·
		sender text ≤ 64 · sender_kid 32 · recipient text ≤ 64 · recipient_kid 32 · e number · ref 16 ·
		type text ≤ 40 · categories text[] ≤ 12 · ground text ≤ 32 · age_band text ≤ 8 · limb text ≤ 32 ·
		necessity text ≤ 32 · recipient_role text ≤ 32 · motive 32? · user 32 · created number ·
		expires number · content_schema 32 · plain_commit 32 · body bytes? ≤ 2048`,
	"opener": `v number · suite number · epoch 16 · realm 4 · party text ≤ 40 · instance 16 · agreement text ≤ 14 ·
		from_kid 32 · to_kid 32 · not_before number · not_after number`,
	"record": `v number · opener bytes ≤ 2048 · nonce 12 · ct bytes`,
	"stamp": `v number · kind text ≤ 16 · leaf 32 · message_id 16 · subject 16? · sender text ≤ 64 ·
		recipient text ≤ 64 · ref 16 · type text ≤ 40 · ask boolean · outcome text ≤ 16 · code text ≤ 40 ·
		grounds text[] ≤ 8 · reasons text[] ≤ 8 · consents 32[] ≤ 8 · obligations text[] ≤ 8 ·
		categories text[] ≤ 12 · user 32 · rulebook 32 · directory number · decided_at number ·
		appended_at number`,
	"audit": `v number · month number · partition number · audit_seq number · entry 32 · kid 32 · sig 64 · n number ·
		i number · path bytes ≤ 1024 · sealed bytes ≤ 4096`,
	"hub":             `v number · salt 16 · nonce 12 · ct bytes`,
	"rules":           `v number · rules bytes ≤ 600000 · sigs signature[] ≤ 16`,
	"agreement_rules": `v number · number number · effective_from number · rulebook text ≤ 400000 · terms text ≤ 100000`,
}

var schemaIDs = map[string]uint32{"record": 1, "audit": 2, "hub": 3, "rules": 6}

// decodeAvro reads a record in its one form, with nothing behind it, and of version 1.
func decodeAvro(name string, data []byte) (Fields, error) {
	in, fields := &input{data}, Fields{}
	for _, field := range strings.Split(records[name], "·") {
		words := strings.Fields(field)
		value, err := in.avro(words[1])
		if err != nil {
			return nil, err
		}
		if len(words) == 4 {
			limit, _ := strconv.Atoi(words[3])
			if length(value) > limit {
				return nil, format(words[0] + " is too long")
			}
		}
		fields[words[0]] = value
	}
	if err := in.end(); err != nil {
		return nil, err
	}
	if fields.number("v") != 1 {
		return nil, format("another version")
	}
	return fields, nil
}

// decodeFramed reads a record behind its frame.
func decodeFramed(name string, data []byte) (Fields, error) {
	head := binary.BigEndian.AppendUint32([]byte{0}, schemaIDs[name])
	if !bytes.HasPrefix(data, head) {
		return nil, format("not framed as " + name)
	}
	return decodeAvro(name, data[len(head):])
}

func length(value any) int {
	switch value := value.(type) {
	case string:
		return utf8.RuneCountInString(value)
	case []byte:
		return len(value)
	case []any:
		return len(value)
	}
	return 0
}

// input is bytes that are read from the front.
type input struct{ rest []byte }

func (in *input) take(size int) ([]byte, error) {
	if size < 0 || size > len(in.rest) {
		return nil, format("the bytes end too early")
	}
	part := in.rest[:size]
	in.rest = in.rest[size:]
	return part, nil
}

// uint reads a big-endian number.
func (in *input) uint(size int) (uint64, error) {
	part, err := in.take(size)
	if err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint64(append(make([]byte, 8-size), part...)), nil
}

// lp reads a field behind its length.
func (in *input) lp(width int) ([]byte, error) {
	size, err := in.uint(width)
	if err != nil {
		return nil, err
	}
	return in.take(int(size))
}

func (in *input) version(expected uint64) error {
	found, err := in.uint(1)
	if err == nil && found != expected {
		err = format("another version")
	}
	return err
}

func (in *input) end() error {
	if len(in.rest) > 0 {
		return format("bytes are left over")
	}
	return nil
}

// varint reads Avro's number: zigzag, seven bits a byte, lowest first, as few bytes as it can be.
func (in *input) varint() (int64, error) {
	var number uint64
	for k := 0; k < 10; k++ {
		part, err := in.take(1)
		if err != nil {
			return 0, err
		}
		if k == 9 && part[0] > 1 {
			return 0, format("more than 64 bits")
		}
		number |= uint64(part[0]&0x7f) << (7 * k)
		if part[0] < 0x80 {
			if k > 0 && part[0] == 0 {
				return 0, format("a number is longer than it need be")
			}
			return int64(number>>1) ^ -int64(number&1), nil
		}
	}
	return 0, format("a number is longer than ten bytes")
}

func (in *input) avro(kind string) (any, error) {
	if some, optional := strings.CutSuffix(kind, "?"); optional {
		branch, err := in.varint()
		switch {
		case err != nil || branch == 0:
			return nil, err
		case branch != 1:
			return nil, format("no such branch")
		}
		return in.avro(some)
	}
	if item, many := strings.CutSuffix(kind, "[]"); many {
		return in.array(item)
	}
	switch kind {
	case "signature": // {kid 32, sig 64}
		return in.take(96)
	case "number":
		return in.varint()
	case "boolean":
		value, err := in.uint(1)
		if err == nil && value > 1 {
			err = format("a boolean is 0 or 1")
		}
		return value == 1, err
	case "bytes", "text":
		size, err := in.varint()
		if err != nil {
			return nil, err
		}
		if size > int64(len(in.rest)) {
			return nil, format("the bytes end too early")
		}
		part, err := in.take(int(size))
		if err != nil || kind == "bytes" {
			return part, err
		}
		if !utf8.Valid(part) {
			return nil, format("not UTF-8")
		}
		return string(part), nil
	}
	size, err := strconv.Atoi(kind)
	if err != nil {
		panic(err)
	}
	return in.take(size)
}

func (in *input) array(item string) (any, error) {
	count, err := in.varint()
	made := []any{}
	switch {
	case err != nil || count == 0:
		return made, err
	case count < 0 || count > int64(len(in.rest)):
		return nil, format("no block of that many items")
	}
	for range count {
		value, err := in.avro(item)
		if err != nil {
			return nil, err
		}
		made = append(made, value)
	}
	last, err := in.varint()
	if err == nil && last != 0 {
		err = format("an array has one block")
	}
	return made, err
}
