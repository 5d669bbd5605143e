import Testing

@testable import CollabBackends

/// What servers write when they refuse, and the class that a program decides by; the texts are those that the servers
/// are known to write.
@Suite("Complaints of servers")
struct ServerComplaintTests {
    @Test("An empty detail in an answer is no complaint")
    func emptyDetail() throws {
        let answer = Array(#"{"detail":null,"choices":[]}"#.utf8)
        #expect(ServerComplaint(try JSONValue(parsing: answer, policy: .wire)) == nil)
    }

    @Test(
        "Each server's words for a failure are understood",
        arguments: [
            (
                400,
                #"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 215000 tokens > 200000 maximum"},"request_id":"req_1"}"#,
                RemoteFailure.Kind.contextTooLong
            ),
            (
                400,
                #"{"type":"error","error":{"type":"invalid_request_error","message":"input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000"}}"#,
                .contextTooLong
            ),
            (
                400,
                #"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API."}}"#,
                .quotaExhausted
            ),
            (
                529, #"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
                .overloaded
            ),
            (400, #"{"error":"the input length exceeds the context length"}"#, .contextTooLong),
            (404, #"{"error":"model 'nope' not found"}"#, .notFound),
            (400, #"{"error":"registry.example/library/m does not support tools"}"#, .invalidRequest),
            (
                400,
                #"{"error":{"message":"This model's maximum context length is 2048 tokens.","type":"BadRequestError","param":null,"code":400}}"#,
                .contextTooLong
            ),
            (
                400,
                #"{"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error","n_prompt_tokens":5011,"n_ctx":2048}}"#,
                .contextTooLong
            ),
            (
                429,
                #"{"error":{"message":"You exceeded your current quota.","type":"insufficient_quota","code":"insufficient_quota"}}"#,
                .quotaExhausted
            ),
            (
                429,
                #"{"error":{"message":"Rate limit reached.","type":"tokens","code":"rate_limit_exceeded"}}"#,
                .rateLimited
            ),
        ]
    )
    func kinds(status: Int, body: String, kind: RemoteFailure.Kind) {
        let complaint = ServerComplaint(body: Array(body.utf8))
        #expect(complaint.kind(httpStatus: status) == kind)
        #expect(complaint.message?.isEmpty == false)
    }

    @Test(
        "In a stream, where there is no status, the words decide",
        arguments: [
            (
                #"{"type":"error","error":{"type":"overloaded_error","message":"x"}}"#,
                RemoteFailure.Kind.overloaded
            ),
            (#"{"type":"error","error":{"type":"rate_limit_error","message":"x"}}"#, .rateLimited),
            (#"{"type":"error","error":{"type":"api_error","message":"x"}}"#, .serverError),
            (
                #"{"type":"error","sequence_number":3,"code":"rate_limit_exceeded","message":"x","param":null}"#,
                .rateLimited
            ),
            (#"{"error":"an error was encountered while running the model"}"#, .serverError),
        ]
    )
    func inStream(event: String, kind: RemoteFailure.Kind) throws {
        let complaint = try ServerComplaint(JSONValue(parsing: Array(event.utf8), policy: .wire))
        #expect(complaint?.kind(httpStatus: nil) == kind)
    }
}
