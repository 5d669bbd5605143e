import Foundation

/// Decodes a file that has one JSON object a line.
public func decodeLines<Value: Decodable>(_ type: Value.Type, path: String) throws -> [Value] {
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let decoder = JSONDecoder()
    return try text.split(separator: "\n").map { try decoder.decode(type, from: Data($0.utf8)) }
}
