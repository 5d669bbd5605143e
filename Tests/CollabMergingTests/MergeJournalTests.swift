import Foundation
import Testing

@testable import CollabMerging

@Suite("A merge in progress knows what it has finished")
struct MergeJournalTests {
    private func checksum(_ bytes: [UInt8], piece: Int = .max) -> UInt64 {
        var checksum = BlockChecksum()
        bytes.withUnsafeBytes { bytes in
            var start = 0
            while start < bytes.count {
                let count = min(piece, bytes.count - start)
                checksum.update(UnsafeRawBufferPointer(rebasing: bytes[start..<start + count]))
                start += count
            }
        }
        return checksum.value
    }

    @Test("every bit of every byte changes the checksum, in whole blocks and behind them")
    func bits() {
        let bytes = (0..<150).map { UInt8($0 * 37 & 0xFF) }
        let whole = checksum(bytes)
        for place in bytes.indices {
            for bit in 0..<8 {
                var other = bytes
                other[place] ^= 1 << bit
                #expect(checksum(other) != whole, "bit \(bit) of byte \(place)")
            }
        }
        #expect(checksum(bytes + [0]) != whole, "so does a byte more")
    }

    @Test("the checksum is the same whatever pieces bytes come in", arguments: [1, 7, 63, 64, 65, 128])
    func pieces(_ size: Int) {
        let bytes = (0..<300).map { UInt8($0 * 91 & 0xFF) }
        #expect(checksum(bytes, piece: size) == checksum(bytes))
    }

    @Test("tensors are finished for the merge that noted them, and for no other after it")
    func otherMerge() throws {
        let scratch = try ScratchFolder()
        try MergeJournal(folder: scratch.path, identity: "one").note("w", checksum: 7)
        #expect(try MergeJournal(folder: scratch.path, identity: "one").finished == ["w": 7])
        let other = try MergeJournal(folder: scratch.path, identity: "two")
        #expect(other.finished.isEmpty)
        try other.note("v", checksum: 8)
        withExtendedLifetime(other) {}
    }

    @Test("the first merge's tensors are gone when another has begun")
    func replaced() throws {
        let scratch = try ScratchFolder()
        try MergeJournal(folder: scratch.path, identity: "one").note("w", checksum: 7)
        try MergeJournal(folder: scratch.path, identity: "two").note("v", checksum: 8)
        #expect(try MergeJournal(folder: scratch.path, identity: "two").finished == ["v": 8])
        #expect(try MergeJournal(folder: scratch.path, identity: "one").finished.isEmpty)
    }

    @Test("a line that was torn counts as none, and the next one is whole")
    func tornLine() throws {
        let scratch = try ScratchFolder()
        try MergeJournal(folder: scratch.path, identity: "one").note("w", checksum: 7)
        let path = scratch.path + "/" + MergeJournal.fileName
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(#"{"tensor":"torn","check"#.utf8))
        try handle.close()
        try MergeJournal(folder: scratch.path, identity: "one").note("v", checksum: 8)
        #expect(try MergeJournal(folder: scratch.path, identity: "one").finished == ["w": 7, "v": 8])
    }
}
