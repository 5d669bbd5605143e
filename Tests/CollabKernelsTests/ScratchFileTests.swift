import Testing

@testable import CollabKernels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

@Suite("Scratch files")
struct ScratchFileTests {
    /// A folder of its own.
    private func folder() -> String {
        var path = Array("/tmp/collab-scratch-test-XXXXXX".utf8CString)
        mkdtemp(&path)
        return String(decoding: path.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    @Test("give back what was written, at any place, and have no name")
    func contents() throws {
        let folder = folder()
        defer { rmdir(folder) }
        let file = try ScratchFile(byteCount: 1000, in: folder)
        // An empty folder can be removed.
        #expect(rmdir(folder) == 0)
        let values: [UInt8] = (0..<1000).map { UInt8($0 % 251) }
        try values.withUnsafeBytes { bytes in
            try file.write(UnsafeRawBufferPointer(rebasing: bytes[600...]), at: 600)
            try file.write(UnsafeRawBufferPointer(rebasing: bytes[..<600]), at: 0)
        }
        var found = [UInt8](repeating: 0, count: 500)
        try found.withUnsafeMutableBytes { try file.read($0, at: 400) }
        #expect(found == Array(values[400..<900]))
    }

    @Test("are refused before anything is taken where there is no space or no folder")
    func refusals() {
        let error = #expect(throws: KernelError.self) { try ScratchFile(byteCount: 1 << 60, in: "/tmp") }
        #expect(error?.message.contains("TMPDIR") == true)
        #expect(throws: KernelError.self) { try ScratchFile(byteCount: 8, in: "/nonexistent") }
        #expect(throws: KernelError.self) { try ScratchFile.checkSpace(for: 1 << 60, in: "/tmp") }
    }
}
