# What `cmake --install` and `cpack` put where: the component `library` (headers, libraries, what
# CMake and pkg-config need to find them) and the component `programs`.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
get_property(has_cuda GLOBAL PROPERTY HEBB_HAS_CUDA)
if(NOT has_cuda)
  set(has_cuda OFF)
endif()

# Installed are hebb.hpp and what it reaches. Headers name each other as they do in this tree
# ("core/tensor.hpp"); installed, they stand under hebb/ and say so, lest another project's core/ be
# taken for ours.
set(installed ${PROJECT_BINARY_DIR}/installed/hebb)
file(REMOVE_RECURSE ${installed})
set(rooms "core|layers|data|regularizers|optim|analysis")
set(headers hebb.hpp)
while(headers)
  list(POP_FRONT headers header)
  if(EXISTS ${installed}/${header})
    continue()
  endif()
  set(source ${PROJECT_SOURCE_DIR}/${header})
  if(header STREQUAL hebb.hpp)
    set(source ${PROJECT_BINARY_DIR}/include/hebb/hebb.hpp)
  endif()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
  file(READ ${source} text)
  string(REGEX MATCHALL "#include \"(${rooms})/[^\"]+" included "${text}")
  list(TRANSFORM included REPLACE "#include \"" "")
  list(APPEND headers ${included})
  string(REGEX REPLACE "#include \"((${rooms})/)" "#include \"hebb/\\1" text "${text}")
  file(CONFIGURE OUTPUT ${installed}/${header} CONTENT "${text}" @ONLY)
endwhile()
install(DIRECTORY ${installed} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT library)

# Before 1.0 a minor version may break the interface.
set_target_properties(hebb hebb_analysis PROPERTIES
                      VERSION ${PROJECT_VERSION}
                      SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
set_target_properties(hebb_all PROPERTIES EXPORT_NAME hebb)
set_target_properties(hebb PROPERTIES EXPORT_NAME engine)
set_target_properties(hebb_analysis PROPERTIES EXPORT_NAME analysis)
install(TARGETS hebb_all hebb hebb_analysis EXPORT hebb COMPONENT library
        INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

set(cmake_folder ${CMAKE_INSTALL_LIBDIR}/cmake/hebb)
install(EXPORT hebb NAMESPACE hebb:: FILE hebbTargets.cmake DESTINATION ${cmake_folder}
        COMPONENT library)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/hebbConfig.cmake.in hebbConfig.cmake
                              INSTALL_DESTINATION ${cmake_folder})
write_basic_package_version_file(hebbConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/hebbConfig.cmake ${PROJECT_BINARY_DIR}/hebbConfigVersion.cmake
        DESTINATION ${cmake_folder} COMPONENT library)

# Paths from the file itself, so that a folder which is moved still works.
file(RELATIVE_PATH pc_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" pc_prefix "${pc_prefix}")
set(pc_private "")
if(NOT BUILD_SHARED_LIBS)
  set(pc_private "-lfmt -lz -pthread")
  if(has_cuda)
    get_property(cuda_linked GLOBAL PROPERTY HEBB_CUDA_LINKED)
    string(APPEND pc_private " ${cuda_linked}")
  endif()
endif()
configure_file(${CMAKE_CURRENT_LIST_DIR}/hebb.pc.in hebb.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/hebb.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
        COMPONENT library)

if(HEBB_APPS)
  set_target_properties(hebb-train hebb-data hebb-fewshot hebb-assemblies PROPERTIES
                        INSTALL_RPATH $ORIGIN/../${CMAKE_INSTALL_LIBDIR})
  install(TARGETS hebb-train hebb-data hebb-fewshot hebb-assemblies COMPONENT programs)
endif()
install(FILES LICENSE README.md CHANGELOG.md CITATION.cff DESTINATION ${CMAKE_INSTALL_DOCDIR}
        COMPONENT library)

# A Debian package for each component.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_VENDOR Hebb)
set(CPACK_PACKAGE_CONTACT "The Hebb authors <hebb@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL library)
if(HEBB_APPS)
  list(APPEND CPACK_COMPONENTS_ALL programs)
endif()
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME libhebb-dev)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_DEPENDS "libfmt-dev, zlib1g-dev")
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_NAME hebb)
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_SUGGESTS gnuplot-nox)
include(CPack)
