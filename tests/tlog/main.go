// Command tlog reads a log's folder as any client of transparency logs would, with the Go project's own code, and says
// what it found: the checkpoint's signature, the root over the entries, proofs for entries and between sizes.
//
//	tlog FOLDER VKEY
package main

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height, entryBytes, sampled = 8, 32, 200

// folder is a log's folder; C2SP's paths have no tile height in them, sumdb's have.
type folder string

func (f folder) Height() int                     { return height }
func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range tiles {
		data, err := f.read(tile, tlog.HashSize)
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

func (f folder) read(tile tlog.Tile, size int) ([]byte, error) {
	data, err := f.file(tile)
	if errors.Is(err, os.ErrNotExist) && tile.W < 1<<height {
		full := tile
		full.W = 1 << height
		data, err = f.file(full)
	}
	if err != nil {
		return nil, err
	}
	if len(data) < tile.W*size {
		return nil, fmt.Errorf("%s is too short", tile.Path())
	}
	return data[:tile.W*size], nil
}

func (f folder) file(tile tlog.Tile) ([]byte, error) {
	path := strings.TrimPrefix(tile.Path(), "tile/8/")
	if rest, ok := strings.CutPrefix(path, "data/"); ok {
		path = "entries/" + rest
	}
	return os.ReadFile(filepath.Join(string(f), "tile", filepath.FromSlash(path)))
}

// entries returns every entry of a log of n, from its bundles.
func (f folder) entries(n int64) ([][]byte, error) {
	var found [][]byte
	for first := int64(0); first < n; first += 1 << height {
		w := min(n-first, 1<<height)
		data, err := f.read(tlog.Tile{H: height, L: -1, N: first >> height, W: int(w)}, 2+entryBytes)
		if err != nil {
			return nil, err
		}
		for ; len(data) > 0; data = data[2+entryBytes:] {
			if binary.BigEndian.Uint16(data) != entryBytes {
				return nil, errors.New("an entry has another length")
			}
			found = append(found, data[2:2+entryBytes])
		}
	}
	return found, nil
}

func check(f folder, vkey string) (map[string]any, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(filepath.Join(string(f), "checkpoint"))
	if err != nil {
		return nil, err
	}
	signed, err := note.Open(data, note.VerifierList(verifier))
	if err != nil {
		return nil, err
	}
	lines := strings.Split(signed.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		return nil, errors.New("the note is no checkpoint of this log")
	}
	var tree tlog.Tree
	if _, err := fmt.Sscan(lines[1], &tree.N); err != nil {
		return nil, err
	}
	if tree.Hash, err = tlog.ParseHash(lines[2]); err != nil {
		return nil, err
	}
	said := map[string]any{"size": tree.N, "root": tree.Hash.String(), "records": 0, "trees": 0}
	if tree.N == 0 {
		root, err := tlog.TreeHash(0, nil)
		if err == nil && root != tree.Hash {
			err = errors.New("the root of nothing is another")
		}
		return said, err
	}
	entries, err := f.entries(tree.N)
	if err != nil {
		return nil, err
	}
	return said, prove(f, tree, entries, said)
}

func prove(f folder, tree tlog.Tree, entries [][]byte, said map[string]any) error {
	var stored []tlog.Hash
	own := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var found []tlog.Hash
		for _, i := range indexes {
			found = append(found, stored[i])
		}
		return found, nil
	})
	for n, entry := range entries {
		hashes, err := tlog.StoredHashes(int64(n), entry, own)
		if err != nil {
			return err
		}
		stored = append(stored, hashes...)
	}
	root, err := tlog.TreeHash(tree.N, own)
	if err != nil {
		return err
	}
	if root != tree.Hash {
		return errors.New("the root over the entries is not the checkpoint's")
	}
	tiles := tlog.TileHashReader(tree, f)
	for _, n := range places(tree.N) {
		proof, err := tlog.ProveRecord(tree.N, n, tiles)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, n, tlog.RecordHash(entries[n])); err != nil {
			return fmt.Errorf("entry %d: %w", n, err)
		}
		said["records"] = said["records"].(int) + 1
		older, err := tlog.TreeHash(n+1, own)
		if err != nil {
			return err
		}
		between, err := tlog.ProveTree(tree.N, n+1, tiles)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(between, tree.N, tree.Hash, n+1, older); err != nil {
			return fmt.Errorf("size %d: %w", n+1, err)
		}
		said["trees"] = said["trees"].(int) + 1
	}
	return nil
}

// places returns every place of a small log, and of a larger one the ends, the edges of tiles and some others.
func places(n int64) []int64 {
	var found []int64
	if n <= 2*sampled {
		for i := range n {
			found = append(found, i)
		}
		return found
	}
	for _, i := range []int64{0, 1, 254, 255, 256, 257, 511, 512, 65535, 65536, n - 2, n - 1} {
		if i < n {
			found = append(found, i)
		}
	}
	chance := rand.New(rand.NewSource(1))
	for range sampled {
		found = append(found, chance.Int63n(n))
	}
	return found
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "tlog FOLDER VKEY")
		os.Exit(2)
	}
	said, err := check(folder(os.Args[1]), os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(said); err != nil {
		os.Exit(1)
	}
}
