public import struct Collab.CollabError

extension JSONValue {
    /// Reads a whole JSON text.
    ///
    /// Throws ``Collab/CollabError`` with the policy's code; the message names the byte at which the text is wrong.
    public init(parsing bytes: UnsafeRawBufferPointer, policy: JSONPolicy = .file) throws(CollabError) {
        var reader = try JSONReader(bytes, policy: policy)
        self = try reader.readValue()
        try reader.finish()
    }

    /// Reads a whole JSON text.
    public init(parsing bytes: [UInt8], policy: JSONPolicy = .file) throws(CollabError) {
        self = try bytes.withUnsafeBufferPointer { (bytes) throws(CollabError) in
            try JSONValue(parsing: UnsafeRawBufferPointer(bytes), policy: policy)
        }
    }

    /// Reads a whole JSON text.
    public init(parsing text: String, policy: JSONPolicy = .file) throws(CollabError) {
        try self.init(parsing: Array(text.utf8), policy: policy)
    }

    /// Reads a file that holds one JSON text; an error names the file.
    public init(parsing file: MappedFile, policy: JSONPolicy = .file) throws(CollabError) {
        self = try file.reading { () throws(CollabError) in
            var reader = try JSONReader(file.bytes, policy: policy, subject: file.path)
            let value = try reader.readValue()
            try reader.finish()
            return value
        }
    }
}
