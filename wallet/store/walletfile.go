package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"tapsim/hce"
	"tapsim/provisioning"
	"tapsim/wallet"
)

// walletFile is the wallet's state in the phone's directory: sealed with AES-GCM
// under the device key, so that nobody reads it elsewhere or changes it here.
const walletFile = "wallet.sealed"

// walletHeader says what the file is, and its version; it is authenticated, too.
const walletHeader = "tapsim wallet, format 1\n"

// Wallet is the store as a wallet needs it.
func (s *Store) Wallet() wallet.Memory { return memory{s} }

// memory is a wallet.Memory.
type memory struct{ *Store }

// Applet implements wallet.Memory.
func (m memory) Applet(p hce.Profile) (wallet.Applet, error) { return m.Card(p) }

// Enrol implements wallet.Memory. A card that is there from an enrolment that
// was cut off gives way.
func (m memory) Enrol(p hce.Profile, set provisioning.KeySet) (wallet.Applet, error) {
	c, err := m.Store.Enrol(p, set)
	if errors.Is(err, ErrEnrolled) {
		if err = m.Remove(p.Name); err == nil {
			c, err = m.Store.Enrol(p, set)
		}
	}
	return c, err
}

// Remove implements wallet.Memory: a card that is gone already is no error.
func (m memory) Remove(name string) error {
	if err := m.Store.Remove(name); err != nil && !errors.Is(err, ErrNotEnrolled) {
		return err
	}
	return nil
}

// LoadWallet implements wallet.Memory: no file is an empty wallet.
func (m memory) LoadWallet() (state wallet.State, err error) {
	data := m.held
	if dir, ok := m.disk.(files); ok {
		data, err = readBounded(filepath.Join(dir.dir, walletFile), maxWallet)
		if errors.Is(err, fs.ErrNotExist) {
			return state, nil
		}
		if err != nil {
			return state, err
		}
	}
	if data == nil {
		return state, nil
	}
	body, ok := bytes.CutPrefix(data, []byte(walletHeader))
	if !ok || len(body) < m.gcm.NonceSize() {
		return state, fmt.Errorf("%s: not a wallet of this version of tapsim, or damaged", walletFile)
	}
	n := m.gcm.NonceSize()
	plain, err := m.gcm.Open(nil, body[:n], body[n:], []byte(walletHeader))
	if err != nil {
		return state, fmt.Errorf("%s: it is sealed under another device key, or was changed: restore keys/device.key, or remove the file and add the cards again", walletFile)
	}
	return state, json.Unmarshal(plain, &state)
}

// SaveWallet implements wallet.Memory.
func (m memory) SaveWallet(state *wallet.State) error {
	plain, err := json.Marshal(state)
	if err != nil {
		return err
	}
	nonce, err := m.nonce()
	if err != nil {
		return err
	}
	data := append([]byte(walletHeader), nonce...)
	data = m.gcm.Seal(data, nonce, plain, []byte(walletHeader))
	if dir, ok := m.disk.(files); ok {
		return dir.replace(filepath.Join(dir.dir, walletFile), data)
	}
	m.held = data
	return nil
}
