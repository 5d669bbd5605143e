package import Collab

/// Where everything goes in a file of weights that is to be written.
package struct WeightLayout {
    /// The tensors in the order of their bytes.
    package var tensors: [TensorDescription]
    /// Where the bytes of each begin, counted from the end of the header.
    package var offsets: [Int] = []
    /// What is in the file beside weights, and where it begins, counted from the end of the header.
    package var buffers: [(buffer: StoredBuffer, offset: Int)] = []
    /// What stands before the tensors, padding included.
    package var header: [UInt8] = []
    /// How many bytes the file has.
    package var byteCount: Int

    package init(tensors: [TensorDescription], offsets: [Int], header: [UInt8], byteCount: Int) {
        self.tensors = tensors
        self.offsets = offsets
        self.header = header
        self.byteCount = byteCount
    }
}

extension TensorDescription {
    /// How many bytes the elements take as they are stored.
    package var storedByteCount: Int {
        (elementCount + format.blockElements - 1) / format.blockElements * format.blockBytes
    }
}
