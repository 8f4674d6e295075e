# SPDX-License-Identifier: MIT
# rexnet_embed_model(TARGET NAME FILE): puts FILE into TARGET's constants, 64-byte aligned, so that a packed float32
# model is used in place. TARGET's sources see it by
#   extern "C" const unsigned char NAME[], NAME_end[];
# For assemblers that know .incbin (g++ and clang): ELF, also without an operating system (.rodata goes to flash),
# Windows' PE/COFF, Mach-O.
function(rexnet_embed_model target name file)
  get_filename_component(path "${file}" ABSOLUTE)
  set(source "${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp")
  file(CONFIGURE OUTPUT "${source}" @ONLY CONTENT [[
#if defined(__APPLE__)
#define SECTION ".const_data\n"
#elif defined(_WIN32)
#define SECTION ".section .rdata,\"dr\"\n"
#else
#define SECTION ".section .rodata\n"
#endif
#define TEXT(x) #x
#define EXPANDED(x) TEXT(x)
#define SYMBOL(name) EXPANDED(__USER_LABEL_PREFIX__) #name  // some systems write a _ before C's names
__asm__(SECTION ".balign 64\n"
        ".globl " SYMBOL(@name@) "\n" SYMBOL(@name@) ":\n"
        ".incbin \"@path@\"\n"
        ".globl " SYMBOL(@name@_end) "\n" SYMBOL(@name@_end) ":\n.byte 0\n.text\n");
]])
  set_source_files_properties("${source}" PROPERTIES OBJECT_DEPENDS "${path}")
  target_sources(${target} PRIVATE "${source}")
endfunction()
