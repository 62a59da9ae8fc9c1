#!/usr/bin/env bash
# Builds and runs a program that uses Hebb, in one of the ways that there are:
# consumers.sh FOLDER SOURCES install BUILD_FOLDER | debian BUILD_FOLDER | headers | find_package |
#   pkg_config | weight | sources
# `install` comes first, into FOLDER; what it made is moved before others look at it.
set -euo pipefail
folder=$1 sources=$2 way=$3
consumer=$sources/tests/package/consumer
moved=$folder/moved
mkdir -p "$folder"

# with_cmake PREFIX NAME
with_cmake() {
  rm -rf "${folder:?}/$2"
  cmake -S "$consumer" -B "$folder/$2" -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_PREFIX_PATH="$1" -DCMAKE_FIND_USE_PACKAGE_REGISTRY=OFF
  cmake --build "$folder/$2"
  "$folder/$2/consumer"
}

# with_pkg_config PREFIX NAME
with_pkg_config() {
  PKG_CONFIG_PATH=$(dirname "$(find "$1" -name hebb.pc)")
  export PKG_CONFIG_PATH
  # Words are what a command line makes of it.
  # shellcheck disable=SC2046
  g++ $(pkg-config --cflags hebb) "$consumer/main.cpp" -o "$folder/$2" $(pkg-config --libs hebb)
  LD_LIBRARY_PATH=$(pkg-config --variable=libdir hebb) "$folder/$2"
}

case $way in
  install)
    rm -rf "$folder/first" "$moved"
    cmake --install "$4" --prefix "$folder/first" >"$folder/install.log"
    mv "$folder/first" "$moved"
    for program in "$moved"/bin/*; do "$program" --help >/dev/null; done
    ;;
  headers)  # each stands on its own, and needs the standard library alone
    cd "$moved/include"
    if grep -rnE '#include <[^>]*[./]' hebb; then exit 1; fi
    find hebb -name '*.hpp' -print0 | xargs -0 -P "$(nproc)" -I{} \
      g++ -std=c++20 -Wall -Wextra -Werror -I. -fsyntax-only -include {} -x c++ /dev/null
    # hebb.hpp reaches all that libraries show, but what is for programs of our own.
    ours='core/backend.hpp|core/atomic_file.hpp|data/byte_reader.hpp|optim/recorded_steps.hpp'
    shown=$(cd "$sources" && grep -rl --include='*.hpp' '^namespace HEBB_API hebb' core layers data \
      regularizers optim analysis | grep -vxE "$ours")
    for header in $shown; do test -e "hebb/$header"; done
    ;;
  find_package) with_cmake "$moved" by_cmake ;;
  pkg_config) with_pkg_config "$moved" by_hand ;;
  weight) "$sources/bench/embedding" "$moved" 1 ;;
  debian)  # unpacked where dpkg would not, for tests are not to install anything
    rm -rf "$folder/debian"
    (cd "$4" && cpack -G DEB -B "$folder/debian" >"$folder/debian.log")
    for package in "$folder"/debian/*.deb; do
      dpkg-deb --field "$package" Package Version Depends
      dpkg-deb --extract "$package" "$folder/debian/root"
    done
    "$folder/debian/root/usr/bin/hebb-train" --help >/dev/null
    with_pkg_config "$folder/debian/root" by_debian
    ;;
  sources)  # all of it is compiled, so: in a hurry, for one instruction set; as shared libraries
    cmake -S "$consumer" -B "$folder/$way" -G Ninja -DHEBB_SOURCES="$sources" -DHEBB_CUDA=OFF \
      -DBUILD_SHARED_LIBS=ON -DHEBB_INSTALL=ON -DCMAKE_BUILD_TYPE=Debug -DCMAKE_UNITY_BUILD=ON \
      -DHEBB_CPU_ISAS=native -DCMAKE_CXX_FLAGS_DEBUG=-O0
    cmake --build "$folder/$way"
    "$folder/$way/consumer"
    if ldd "$folder/$way/consumer" | grep -iE 'cuda|cublas|cudnn'; then exit 1; fi
    rm -rf "$folder/shared" "$folder/shared_moved"
    cmake --install "$folder/$way" --prefix "$folder/shared" >"$folder/shared.log"
    mv "$folder/shared" "$folder/shared_moved"
    with_cmake "$folder/shared_moved" shared_by_cmake
    with_pkg_config "$folder/shared_moved" shared_by_hand
    ;;
esac
