internal import CKernels
package import Collab
import CollabKernels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A safetensors or GGUF file that is written in place, in any order, and can be gone on with after a crash.
///
/// The whole file is laid out and its room reserved when it is opened, so that a full disk is known at once and not
/// after hours. Unlike ``SafetensorsWriter`` it stays where it is when it is dropped: whoever goes on with it must
/// know which tensors are complete.
package final class WeightShard: Sendable {
    /// Where the file is.
    package let path: String
    /// The tensors in the order of their bytes.
    package let tensors: [TensorDescription]
    /// How many bytes the file has.
    package let byteCount: Int
    /// Whether the file was there already, with just this layout.
    package let isContinued: Bool
    private let places: [UTF8Key: (offset: Int, count: Int, format: TensorFormat)]
    private let descriptor: Int32

    /// Opens or makes the file.
    ///
    /// Throws ``Collab/CollabError`` with `inputOutput` if it cannot be made or there is no room for it.
    package init(path: String, layout: WeightLayout) throws(CollabError) {
        var places: [UTF8Key: (offset: Int, count: Int, format: TensorFormat)] = [:]
        for (tensor, offset) in zip(layout.tensors, layout.offsets) {
            places[UTF8Key(tensor.name)] = (
                layout.header.count + offset, tensor.storedByteCount, tensor.format
            )
        }
        let end = layout.byteCount
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard descriptor >= 0 else {
            throw CollabError(.inputOutput, "\(path) could not be opened: \(describe(errno)).")
        }
        self.path = path
        self.places = places
        self.tensors = layout.tensors
        byteCount = end
        isContinued = Self.starts(descriptor, with: layout.header, count: end)
        if !isContinued { try prepare(layout.header) }
        // They are few and small; whether all of them were written before is not told by the header.
        for (buffer, offset) in layout.buffers {
            try buffer.withBytes { (bytes) throws(CollabError) in
                try write(bytes, at: layout.header.count + offset)
            }
        }
    }

    deinit { close(descriptor) }

    private static func starts(_ descriptor: Int32, with header: [UInt8], count: Int) -> Bool {
        var status = stat()
        guard fstat(descriptor, &status) == 0, Int(status.st_size) == count else { return false }
        var found = [UInt8](repeating: 0, count: header.count)
        return pread(descriptor, &found, header.count, 0) == header.count && found == header
    }

    private func prepare(_ header: [UInt8]) throws(CollabError) {
        guard ftruncate(descriptor, 0) == 0, ftruncate(descriptor, off_t(byteCount)) == 0 else {
            throw failure("could not be given its size", errno)
        }
        #if canImport(Glibc) || canImport(Musl)
            // Where the file system cannot reserve room, a full disk is found while writing.
            if posix_fallocate(descriptor, 0, off_t(byteCount)) == ENOSPC {
                throw failure("needs \(byteCount) bytes", ENOSPC)
            }
        #endif
        try header.withUnsafeBufferPointer { (bytes) throws(CollabError) in
            try write(UnsafeRawBufferPointer(bytes), at: 0)
        }
    }

    /// How many elements to write at once from one on, of a tensor that has so many left: as many as end at a multiple of
    /// 128 KiB in the file, where multiples of 128 elements do. Writing runs of whole pages takes a file system half
    /// the time.
    package func evenCount(of tensor: String, from element: Int, atMost limit: Int) throws(CollabError) -> Int
    {
        let place = try place(of: tensor)
        guard place.format.blockElements == 1, limit > 0 else { return limit }
        let size = place.format.blockBytes
        let over = (place.offset + (element + limit) * size) % (1 << 17)
        return over % (128 * size) == 0 && over < limit * size ? limit - over / size : limit
    }

    /// Writes elements of a tensor, rounded to its format; they begin and end with blocks.
    ///
    /// Throws ``Collab/CollabError/Code/notFinite`` for a number larger than the format holds unless `mayOverflow`.
    package func write(
        _ values: UnsafeBufferPointer<Float>,
        to tensor: String,
        at element: Int,
        using scratch: UnsafeMutableRawBufferPointer,
        mayOverflow: Bool = false,
        observing observe: (UnsafeRawBufferPointer) -> Void
    ) throws(CollabError) {
        let place = try place(of: tensor)
        let (width, blockBytes) = (place.format.blockElements, place.format.blockBytes)
        let size = values.count / width * blockBytes
        let start = element / width * blockBytes
        guard element >= 0, element % width == 0, values.count % width == 0, start + size <= place.count,
            scratch.count >= size
        else {
            throw CollabError(
                .tensorMismatch,
                "“\(tensor)” has no \(values.count) elements from \(element) on."
            )
        }
        var bytes = UnsafeRawBufferPointer(values)
        if place.format != .f32 {
            let target = UnsafeMutableRawBufferPointer(rebasing: scratch[..<size])
            do throws(KernelError) {
                try TensorConversion.quantize(values, as: place.format, into: target)
            } catch {
                throw CollabError(.unsupported, "\(path) cannot hold \(place.format.rawValue).", cause: error)
            }
            bytes = UnsafeRawBufferPointer(target)
            if !mayOverflow {
                try checkOverflow(of: values, to: place.format, as: bytes, in: tensor, from: element)
            }
        }
        observe(bytes)
        try write(bytes, at: place.offset + start)
    }

    /// Writes bytes of a tensor as they are.
    package func write(
        bytes: UnsafeRawBufferPointer,
        to tensor: String,
        atByte offset: Int
    ) throws(CollabError) {
        let place = try place(of: tensor)
        guard offset >= 0, offset + bytes.count <= place.count else {
            throw CollabError(.tensorMismatch, "“\(tensor)” has no \(bytes.count) bytes from \(offset) on.")
        }
        try write(bytes, at: place.offset + offset)
    }

    /// Reads the bytes of a tensor, piece by piece.
    package func forEachPiece(
        of tensor: String,
        using scratch: UnsafeMutableRawBufferPointer,
        _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(CollabError) {
        let place = try place(of: tensor)
        var done = 0
        while done < place.count {
            let wanted = min(scratch.count, place.count - done)
            let count = pread(descriptor, scratch.baseAddress, wanted, off_t(place.offset + done))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure("could not be read", count < 0 ? errno : EIO) }
            body(UnsafeRawBufferPointer(rebasing: scratch[..<count]))
            done += count
        }
    }

    /// Lets the disk begin to take a tensor that is complete, so that flushing the file at the end has less to do.
    package func beginFlushing(_ tensor: String) {
        guard let place = places[UTF8Key(tensor)] else { return }
        // Only a hint: what goes wrong is found by synchronise().
        collab_begin_flushing(descriptor, Int64(place.offset), Int64(place.count))
    }

    /// Flushes the file to the disk.
    package func synchronise() throws(CollabError) {
        guard fsync(descriptor) == 0 else { throw failure("could not be flushed", errno) }
    }

    private func place(of tensor: String) throws(CollabError) -> (
        offset: Int, count: Int, format: TensorFormat
    ) {
        guard let place = places[UTF8Key(tensor)] else {
            throw CollabError(.tensorMismatch, "\(path) has no tensor called “\(tensor)”.")
        }
        return place
    }

    private func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(CollabError) {
        var done = 0
        while done < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
            let count = pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset + done))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure("could not be written", errno) }
            done += count
        }
    }

    private func failure(_ what: String, _ code: Int32) -> CollabError {
        CollabError(.inputOutput, "\(path) \(what): \(describe(code)).")
    }
}
