package control

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const suffix = ".sock"

// dialTimeout is how long a socket may take to accept: the kernel does that, not the job.
const dialTimeout = 2 * time.Second

// lockTimeout is how long a directory may be locked by somebody else, who might have been stopped: a job must start all the same.
const lockTimeout = 2 * time.Second

// Dirs lists where sockets may lie, the preferred place first: below $XDG_RUNTIME_DIR, else below the temporary directory.
func Dirs(runtime, temporary string, user int) []string {
	var dirs []string
	if filepath.IsAbs(runtime) {
		dirs = append(dirs, filepath.Join(runtime, "pipec"))
	}
	return append(dirs, filepath.Join(temporary, "pipec-"+strconv.Itoa(user)))
}

// secure makes the directory, or checks that it is this user's alone: another one could have made it first.
func secure(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || info.Mode().Perm()&0o077 != 0 || ok && int(owner.Uid) != os.Getuid() {
		return fmt.Errorf("%s is not a directory of yours alone (mode 0700)", dir)
	}
	return nil
}

// locked runs f while nobody else adds or removes sockets in the directory: so what is found dead is dead.
func locked(dir string, f func() error) error {
	lock, err := os.OpenFile(filepath.Join(dir, ".lock"), os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	defer lock.Close()
	for end := time.Now().Add(lockTimeout); ; time.Sleep(time.Millisecond) {
		err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return f()
		case !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR), time.Now().After(end):
			return fmt.Errorf("%s cannot be locked: %w", dir, err)
		}
	}
}

// List gives the names under which jobs can be reached, sorted. Sockets whose process has died are removed.
func List(dirs []string) []string {
	var names []string
	for _, dir := range dirs {
		if secured(dir) != nil {
			continue
		}
		_ = locked(dir, func() error { // a directory that cannot be locked has no sockets to offer
			entries, err := os.ReadDir(dir)
			for _, e := range entries {
				name, ok := strings.CutSuffix(e.Name(), suffix)
				if ok && name != "" && alive(filepath.Join(dir, e.Name())) {
					names = append(names, name)
				}
			}
			return err
		})
	}
	sort.Strings(names)
	return names
}

// secured is secure for those who only look: nothing is made.
func secured(dir string) error {
	if _, err := os.Lstat(dir); err != nil {
		return err
	}
	return secure(dir)
}

// alive says whether somebody listens, and removes the socket if not. Sockets get their name only once they listen, so a refusal is final. Called under the lock.
func alive(path string) bool {
	c, err := net.DialTimeout("unix", path, dialTimeout)
	if err == nil {
		c.Close()
		return true
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		_ = os.Remove(path)
		return false
	}
	return !errors.Is(err, fs.ErrNotExist)
}
