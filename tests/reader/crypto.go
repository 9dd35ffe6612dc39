package main

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/mlkem"
	"crypto/sha256"
	"crypto/sha3"
	"encoding/binary"
)

const suite = 1

func sum(parts ...[]byte) []byte {
	digest := sha256.Sum256(bytes.Join(parts, nil))
	return digest[:]
}

func u32(number uint32) []byte { return binary.BigEndian.AppendUint32(nil, number) }

// Realm is the 16 bytes that every domain string ends with.
type Realm []byte

// D is the domain string of a label.
func (r Realm) D(label string) []byte {
	return append(append([]byte("samband/1/"+label), 0), r...)
}

func (r Realm) kid(purpose string, public []byte) []byte {
	return sum(r.D("kid"), []byte(purpose), []byte{0, suite}, public)
}

// Signer is a public signing key with its purpose.
type Signer struct {
	realm  Realm
	public []byte
	kid    []byte
}

func signer(realm Realm, purpose string, public []byte) *Signer {
	if len(public) != ed25519.PublicKeySize {
		panic("the vector's signing key has another length")
	}
	return &Signer{realm, public, realm.kid(purpose, public)}
}

func (s *Signer) verify(label string, message, signature []byte) error {
	if !ed25519.Verify(s.public, append(s.realm.D(label), message...), signature) {
		return trust("a " + label + " signature does not hold")
	}
	return nil
}

// verifyRoot checks a signature over the root of a tree, as batches and transactions have it.
func (s *Signer) verifyRoot(label string, n uint32, root, signature []byte) error {
	return s.verify(label, bytes.Join([][]byte{s.kid, u32(n), root}, nil), signature)
}

// Opener is a private hybrid key with its purpose.
type Opener struct {
	realm   Realm
	private []byte
	pq      *mlkem.DecapsulationKey768
	ec      *ecdh.PrivateKey
	kid     []byte
}

func opener(realm Realm, purpose string, private []byte) *Opener {
	if len(private) != mlkem.SeedSize+32 {
		panic("the vector's private key has another length")
	}
	pq, err := mlkem.NewDecapsulationKey768(private[:mlkem.SeedSize])
	if err != nil {
		panic(err)
	}
	ec, err := ecdh.X25519().NewPrivateKey(private[mlkem.SeedSize:])
	if err != nil {
		panic(err)
	}
	public := append(pq.EncapsulationKey().Bytes(), ec.PublicKey().Bytes()...)
	return &Opener{realm, private, pq, ec, realm.kid(purpose, public)}
}

// hpkeOpen is the standard library's, where it has one (Go 1.26): both must agree.
var hpkeOpen func(key *Opener, info, sealed []byte) ([]byte, error)

// open opens what was sealed with info D(label) ‖ context.
func (o *Opener) open(label string, context, sealed []byte) ([]byte, error) {
	info := append(o.realm.D(label), context...)
	plain, err := o.openByHand(info, sealed)
	if hpkeOpen != nil {
		if other, otherErr := hpkeOpen(o, info, sealed); (err == nil) != (otherErr == nil) || !bytes.Equal(plain, other) {
			panic("the standard library's HPKE says something else")
		}
	}
	if err != nil {
		return nil, trust("a " + label + " seal does not open")
	}
	return plain, nil
}

// openByHand is single-shot HPKE in base mode, RFC 9180 § 5 and 6.1 with the KEM of draft-ietf-hpke-pq.
func (o *Opener) openByHand(info, sealed []byte) ([]byte, error) {
	const size = mlkem.CiphertextSize768
	if len(sealed) < size+32 {
		return nil, trust("cut short")
	}
	pqSecret, err := o.pq.Decapsulate(sealed[:size])
	if err != nil {
		return nil, err
	}
	ephemeral, err := ecdh.X25519().NewPublicKey(sealed[size : size+32])
	if err != nil {
		return nil, err
	}
	ecSecret, err := o.ec.ECDH(ephemeral)
	if err != nil {
		return nil, err
	}
	shared := sha3.Sum256(bytes.Join([][]byte{
		pqSecret, ecSecret, ephemeral.Bytes(), o.ec.PublicKey().Bytes(), []byte(`\.//^\`),
	}, nil))
	key, nonce := schedule(shared[:], info)
	return gcm(key).Open(nil, nonce, sealed[size+32:], nil)
}

// schedule gives key and nonce for KEM 0x647a, KDF 1 and AEAD 2.
func schedule(shared, info []byte) (key, nonce []byte) {
	id := []byte("HPKE\x64\x7a\x00\x01\x00\x02")
	extract := func(salt []byte, label string, input []byte) []byte {
		made, err := hkdf.Extract(sha256.New, bytes.Join([][]byte{[]byte("HPKE-v1"), id, []byte(label), input}, nil), salt)
		if err != nil {
			panic(err)
		}
		return made
	}
	context := bytes.Join([][]byte{{0}, extract(nil, "psk_id_hash", nil), extract(nil, "info_hash", info)}, nil)
	secret := extract(shared, "secret", nil)
	expand := func(label string, size int) []byte {
		whole := bytes.Join([][]byte{{0, byte(size)}, []byte("HPKE-v1"), id, []byte(label), context}, nil)
		made, err := hkdf.Expand(sha256.New, secret, string(whole), size)
		if err != nil {
			panic(err)
		}
		return made
	}
	return expand("key", 32), expand("base_nonce", 12)
}

func gcm(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	made, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return made
}

func derive(secret, info []byte) []byte {
	made, err := hkdf.Key(sha256.New, secret, nil, string(info), 32)
	if err != nil {
		panic(err)
	}
	return made
}

// mac is HMAC-SHA-256 under a key that is derived from the hub's store key.
func mac(store []byte, name string, data []byte) []byte {
	made := hmac.New(sha256.New, derive(store, []byte("samband/1/hub/"+name)))
	made.Write(data)
	return made.Sum(nil)
}

// rootFromPath gives the root that a leaf at i of n has under its path, as RFC 6962 § 2.1 defines the tree.
func rootFromPath(leaf []byte, n, i uint64, path [][]byte) ([]byte, error) {
	switch {
	case i >= n:
		return nil, trust("an index outside its tree")
	case n == 1 && len(path) > 0:
		return nil, trust("a path that is too long")
	case n == 1:
		return leaf, nil
	case len(path) == 0:
		return nil, trust("a path that is too short")
	}
	split := uint64(1)
	for split*2 < n {
		split *= 2
	}
	last, below := path[len(path)-1], path[:len(path)-1]
	if i < split {
		left, err := rootFromPath(leaf, split, i, below)
		return sum([]byte{1}, left, last), err
	}
	right, err := rootFromPath(leaf, n-split, i-split, below)
	return sum([]byte{1}, last, right), err
}
