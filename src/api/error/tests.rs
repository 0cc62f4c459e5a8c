use super::*;

#[test]
fn an_error_has_exactly_this_body() {
    let errors = vec![FieldError { field: "duration".to_owned(), message: "must be 6 or 10".to_owned() }];
    let problem = ApiError::InvalidParameter(errors).problem();
    assert_eq!(problem.status, 400);
    assert_eq!(
        problem.body("req_1"),
        r#"{"type":"about:blank","title":"Some fields are not valid","status":400,"detail":"duration must be 6 or 10","code":"invalid_parameter","request_id":"req_1","errors":[{"field":"duration","message":"must be 6 or 10"}],"error":{"message":"duration must be 6 or 10","type":"invalid_request_error","param":"duration","code":"invalid_parameter"}}"#
    );
}

#[test]
fn permanent_errors_tell_sdks_not_to_retry() {
    let may_retry = |error: ApiError| error.problem().may_retry();
    assert!(may_retry(ApiError::RateLimited) && may_retry(ApiError::Internal(String::new())));
    assert!(may_retry(ApiError::UpstreamUnavailable { operation: Operation::File, retry_after_seconds: 1 }));
    assert!(!may_retry(ApiError::NotReady { retry_after_seconds: 3 }));
    assert!(!may_retry(ApiError::AlreadyFinished) && !may_retry(ApiError::IdempotencyKeyReused));
    assert!(!may_retry(ApiError::Misconfigured(String::new())));
    assert!(!may_retry(ApiError::Paused(Operation::Video)) && may_retry(ApiError::ClientsUnknown));
    let (operation, shortage) = (Operation::Video, Shortage::Budget);
    assert!(!may_retry(ApiError::Unaffordable { operation, shortage, retry_after_seconds: 9 }));
}

#[test]
fn an_unknown_model_has_the_code_model_not_found() {
    let problem = ApiError::UnknownModel("a, b".to_owned()).problem();
    assert_eq!((problem.status, problem.code), (400, "invalid_parameter"));
    let body = problem.body("req_1");
    assert!(body.contains(r#""param":"model","code":"model_not_found""#), "{body}");
}

#[test]
fn a_response_names_at_most_20_invalid_fields() {
    let errors = |count: usize| {
        let error = |number| FieldError { field: format!("f{number}"), message: "is not a field".to_owned() };
        ApiError::InvalidParameter((0..count).map(error).collect()).problem()
    };
    let problem = errors(20);
    assert_eq!(problem.errors.len(), 20);
    assert!(problem.detail.ends_with("; f19 is not a field"), "{}", problem.detail);
    let problem = errors(8000);
    assert_eq!(problem.errors.len(), 20);
    assert!(problem.detail.ends_with("; f19 is not a field; and 7980 more"), "{}", problem.detail);
}

#[test]
fn a_5xx_response_does_not_contain_its_cause() {
    let problem = ApiError::Internal("R2 said: secret".to_owned()).problem();
    assert!(!problem.body("req_1").contains("secret"));
    let problem = ApiError::UpstreamError("your balance of $3".to_owned()).problem();
    assert_eq!(problem.status, 502);
    assert!(!problem.body("req_1").contains("$3"));
}
