# For AArch64, from another machine, tested under qemu's user mode: tests/aarch64/run says how. LEAT_SYSROOT holds Debian's
# packages of that architecture, unpacked.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L /usr/aarch64-linux-gnu)
set(LEAT_SYSROOT "" CACHE PATH "Packages for AArch64, unpacked")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES LEAT_SYSROOT)
set(CMAKE_BUILD_RPATH ${LEAT_SYSROOT}/usr/lib/aarch64-linux-gnu)
set(ENV{PKG_CONFIG_LIBDIR} ${LEAT_SYSROOT}/usr/lib/aarch64-linux-gnu/pkgconfig)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${LEAT_SYSROOT})
