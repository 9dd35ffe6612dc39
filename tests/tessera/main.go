// Command tessera appends entries to a log with Tessera's POSIX driver, as fast as it takes them, and ends when a
// checkpoint over all of them is published. The benchmark runs it beside Samband's own sequencer.
//
//	tessera FOLDER BATCH < entries        each entry is 32 bytes
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
)

const entryBytes = 32

// appendAll returns how long it took from the first entry until a checkpoint has the last one.
func appendAll(ctx context.Context, folder string, batch uint, data []byte) (time.Duration, error) {
	secret, _, err := note.GenerateKey(rand.Reader, "samband/bench")
	if err != nil {
		return 0, err
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		return 0, err
	}
	driver, err := posix.New(ctx, posix.Config{Path: folder})
	if err != nil {
		return 0, err
	}
	// 100 ms is the shortest interval that the driver takes; with its own 10 s the wait for the last would be measured.
	options := tessera.NewAppendOptions().
		WithCheckpointSigner(signer).
		WithBatching(batch, time.Second).
		WithPushback(uint(len(data)/entryBytes) + 1).
		WithCheckpointInterval(100 * time.Millisecond)
	appender, shutdown, reader, err := tessera.NewAppender(ctx, driver, options)
	if err != nil {
		return 0, err
	}
	await := tessera.NewPublicationAwaiter(ctx, reader.ReadCheckpoint, 10*time.Millisecond)
	began := time.Now()
	var last tessera.IndexFuture
	for at := 0; at < len(data); at += entryBytes {
		last = appender.Add(ctx, tessera.NewEntry(data[at:at+entryBytes]))
	}
	if _, _, err := await.Await(ctx, last); err != nil {
		return 0, err
	}
	took := time.Since(began)
	return took, shutdown(ctx)
}

func run() error {
	if len(os.Args) != 3 {
		return fmt.Errorf("tessera FOLDER BATCH < entries")
	}
	batch, err := strconv.ParseUint(os.Args[2], 10, 32)
	if err != nil {
		return err
	}
	data, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	if len(data) == 0 || len(data)%entryBytes != 0 {
		return fmt.Errorf("the entries are no row of %d bytes each", entryBytes)
	}
	took, err := appendAll(context.Background(), os.Args[1], uint(batch), data)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]float64{"seconds": took.Seconds()})
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
