// Reader is a second reader of Samband's wire format, written from docs/wire-format.md alone. It runs the vectors of a
// folder and prints one line of JSON for each: its name, a verdict and what came out.
//
//	go run . ../vectors
//	{"name":"message-ok","verdict":"ok","leaf":"c7f3…"}
//	{"name":"message-signature","verdict":"trust"}
//
// The verdict is ok, format (bytes that are not what the page says) or trust (a signature, seal, key or binding that
// does not hold). What a vector expects is not looked at.
package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Vector is the keys of one file, with those of its base.
type Vector struct {
	folder string
	keys   map[string]string
	edits  []string
}

func readVector(folder, name string) (*Vector, error) {
	text, err := os.ReadFile(filepath.Join(folder, name+".txt"))
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	if len(lines) < 3 || !strings.HasPrefix(lines[0], "# ") || lines[1] != "samband-vector/1" {
		return nil, fmt.Errorf("%s is no vector", name)
	}
	vector := &Vector{folder: folder, keys: map[string]string{}}
	for _, line := range lines[2:] {
		key, value, _ := strings.Cut(line, ":")
		vector.keys[key] = strings.TrimPrefix(value, " ")
	}
	base, has := vector.keys["base"]
	if !has {
		return vector, nil
	}
	below, err := readVector(folder, base)
	if err != nil {
		return nil, err
	}
	vector.edits = below.edits
	if edit := vector.keys["edit"]; edit != "" {
		vector.edits = append(vector.edits, edit)
	}
	for key, value := range below.keys {
		if _, own := vector.keys[key]; !own {
			vector.keys[key] = value
		}
	}
	return vector, nil
}

// bytes gives a key's bytes; a vector without them is a fault of the vector.
func (v *Vector) bytes(key string) []byte {
	text, has := v.keys[key]
	data, err := hex.DecodeString(text)
	if !has || err != nil {
		panic(fmt.Sprintf("the vector has no `%s` in hex", key))
	}
	return data
}

func (v *Vector) number(key string) int {
	number, err := strconv.Atoi(v.keys[key])
	if err != nil {
		panic(fmt.Sprintf("the vector has no number `%s`", key))
	}
	return number
}

func (v *Vector) or(key, otherwise string) string {
	if value, has := v.keys[key]; has {
		return value
	}
	return otherwise
}

func (v *Vector) data() []byte {
	data := v.bytes("data")
	for _, edit := range v.edits {
		data = edited(data, strings.Fields(edit))
	}
	return data
}

func edited(data []byte, edit []string) []byte {
	data = append([]byte{}, data...)
	at := func() int {
		number, err := strconv.Atoi(edit[1])
		if err != nil {
			panic(err)
		}
		return number
	}
	text := func(word string) []byte {
		part, err := hex.DecodeString(word)
		if err != nil {
			panic(err)
		}
		return part
	}
	switch edit[0] {
	case "flip":
		data[at()] ^= 1
	case "set":
		copy(data[at():], text(edit[2]))
	case "cut":
		data = data[:len(data)-at()]
	case "append":
		data = append(data, text(edit[1])...)
	default:
		panic("no such edit: " + edit[0])
	}
	return data
}

// shown writes a value as the vectors do: bytes in hex.
func shown(value any) any {
	switch value := value.(type) {
	case []byte:
		return hex.EncodeToString(value)
	case Fields:
		made := map[string]any{}
		for key, part := range value {
			made[key] = shown(part)
		}
		return made
	case []any:
		made := make([]any, len(value))
		for k, part := range value {
			made[k] = shown(part)
		}
		return made
	}
	return value
}

func answer(folder, name string) map[string]any {
	vector, err := readVector(folder, name)
	if err != nil {
		panic(err)
	}
	run, has := kinds[vector.keys["kind"]]
	if !has {
		panic("no such kind: " + vector.keys["kind"])
	}
	made := map[string]any{"name": name, "verdict": "ok"}
	out, err := run(vector, vector.data())
	switch {
	case errors.Is(err, errFormat):
		made["verdict"] = "format"
	case errors.Is(err, errTrust):
		made["verdict"] = "trust"
	case err != nil:
		panic(err)
	default:
		for key, value := range out {
			made[key] = shown(value)
		}
	}
	return made
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: reader FOLDER")
		os.Exit(2)
	}
	files, err := filepath.Glob(filepath.Join(os.Args[1], "*.txt"))
	if err != nil || len(files) == 0 {
		fmt.Fprintln(os.Stderr, "there are no vectors in", os.Args[1])
		os.Exit(2)
	}
	out := json.NewEncoder(os.Stdout)
	for _, file := range files {
		if err := out.Encode(answer(os.Args[1], strings.TrimSuffix(filepath.Base(file), ".txt"))); err != nil {
			panic(err)
		}
	}
}
