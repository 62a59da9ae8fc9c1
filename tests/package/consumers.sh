#!/usr/bin/env bash
# Builds and runs a program that uses Hebb, in one of the ways that there are:
# consumers.sh FOLDER SOURCES install BUILD_FOLDER | headers | find_package | pkg_config | sources
# `install` comes first, into FOLDER; what it made is moved before others look at it.
set -euo pipefail
folder=$1 sources=$2 way=$3
consumer=$sources/tests/package/consumer
moved=$folder/moved

case $way in
  install)
    rm -rf "$folder"
    cmake --install "$4" --prefix "$folder/first" >"$folder.log"
    mv "$folder/first" "$moved"
    for program in "$moved"/bin/*; do "$program" --help >/dev/null; done
    ;;
  headers)  # each stands on its own, and needs the standard library alone
    cd "$moved/include"
    if grep -rnE '#include <[^>]*[./]' hebb; then exit 1; fi
    find hebb -name '*.hpp' -print0 | xargs -0 -P "$(nproc)" -I{} \
      g++ -std=c++20 -Wall -Wextra -Werror -I. -fsyntax-only -include {} -x c++ /dev/null
    ;;
  find_package)
    cmake -S "$consumer" -B "$folder/$way" -G Ninja -DCMAKE_BUILD_TYPE=Release \
      -DCMAKE_PREFIX_PATH="$moved" -DCMAKE_FIND_USE_PACKAGE_REGISTRY=OFF
    cmake --build "$folder/$way"
    "$folder/$way/consumer"
    ;;
  pkg_config)
    PKG_CONFIG_PATH=$(dirname "$(find "$moved" -name hebb.pc)")
    export PKG_CONFIG_PATH
    # Words are what a command line makes of it.
    # shellcheck disable=SC2046
    g++ $(pkg-config --cflags hebb) "$consumer/main.cpp" -o "$folder/by_hand" $(pkg-config --libs hebb)
    LD_LIBRARY_PATH=$(pkg-config --variable=libdir hebb) "$folder/by_hand"
    ;;
  sources)  # all of it is compiled, so: in a hurry, for one instruction set; as shared libraries
    cmake -S "$consumer" -B "$folder/$way" -G Ninja -DHEBB_SOURCES="$sources" \
      -DBUILD_SHARED_LIBS=ON -DCMAKE_BUILD_TYPE=Debug -DCMAKE_UNITY_BUILD=ON -DHEBB_CPU_ISAS=native \
      -DCMAKE_CXX_FLAGS_DEBUG=-O0
    cmake --build "$folder/$way"
    "$folder/$way/consumer"
    ;;
esac
