# rexnet_embed(TARGET NAME FILE): puts FILE into TARGET's constants, 64-byte aligned, so that rexnet::load() can use
# a packed float32 model in place. TARGET's sources see it by
#   extern "C" const unsigned char NAME[], NAME_end[];
# ELF and Mach-O toolchains whose assembler has .incbin (g++, clang).
function(rexnet_embed target name file)
  get_filename_component(path "${file}" ABSOLUTE)
  set(source "${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp")
  file(CONFIGURE OUTPUT "${source}" @ONLY CONTENT [[
#if defined(__APPLE__)
#define SECTION ".const_data\n"
#define SYMBOL(name) "_" #name
#else
#define SECTION ".section .rodata\n"
#define SYMBOL(name) #name
#endif
__asm__(SECTION ".balign 64\n"
        ".globl " SYMBOL(@name@) "\n" SYMBOL(@name@) ":\n"
        ".incbin \"@path@\"\n"
        ".globl " SYMBOL(@name@_end) "\n" SYMBOL(@name@_end) ":\n.byte 0\n.text\n");
]])
  set_source_files_properties("${source}" PROPERTIES OBJECT_DEPENDS "${path}")
  target_sources(${target} PRIVATE "${source}")
endfunction()
