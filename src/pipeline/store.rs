use crate::config::{Options, Settings};
use crate::error::Error;
use crate::lake::{Lake, LakeUrl, StoreCredentials, StoreSettings};

/// How the settings say that a lake in a bucket is reached.
///
/// # Errors
/// [`Kind::Usage`](crate::error::Kind::Usage): half of the keys to the bucket are missing, or a reference to them
/// points nowhere.
pub fn store_settings(settings: &Settings, options: &Options) -> Result<StoreSettings, Error> {
    let credentials = Settings::bucket_keys(options)?.map(|keys| StoreCredentials {
        access_key_id: keys.access_key_id,
        secret_access_key: keys.secret_access_key,
        session_token: keys.session_token,
    });
    let standard = StoreSettings::default();
    Ok(StoreSettings {
        endpoint: settings.store_endpoint.clone(),
        region: settings.store_region.clone(),
        path_style: settings.store_path_style,
        allow_http: settings.store_allow_http,
        credentials,
        variables: options.aws_variables(),
        ca_file: settings.ca_file.clone(),
        connect_timeout: settings.connect_timeout,
        retry_deadline: settings.retry_deadline.min(standard.retry_deadline),
        single_writer: settings.single_writer,
    })
}

/// The lake of the settings, which must be there.
///
/// # Errors
/// As [`Lake::open_existing`] and [`store_settings`].
pub async fn open_lake(settings: &Settings, options: &Options) -> Result<Lake, Error> {
    let (url, store) = place(settings, options)?;
    Ok(Lake::open_existing(&url, &store).await?)
}

/// The lake of the settings, made where it is not there.
///
/// # Errors
/// As [`Lake::create`] and [`store_settings`].
pub async fn create_lake(settings: &Settings, options: &Options) -> Result<Lake, Error> {
    let (url, store) = place(settings, options)?;
    Ok(Lake::create(&url, &store).await?)
}

/// Where the lake lies, and how it is reached.
pub(super) fn place(settings: &Settings, options: &Options) -> Result<(LakeUrl, StoreSettings), Error> {
    let url: LakeUrl = settings.lake.parse()?;
    // Nothing of a store's settings is asked of one who has none.
    let store = if url.bucket().is_some() { store_settings(settings, options)? } else { StoreSettings::default() };
    Ok((url, store))
}
