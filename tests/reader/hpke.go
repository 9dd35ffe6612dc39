//go:build go1.26

package main

import "crypto/hpke"

func init() {
	hpkeOpen = func(key *Opener, info, sealed []byte) ([]byte, error) {
		private, err := hpke.NewHybridPrivateKey(key.pq, key.ec)
		if err != nil {
			return nil, err
		}
		return hpke.Open(private, hpke.HKDFSHA256(), hpke.AES256GCM(), info, sealed)
	}
}
